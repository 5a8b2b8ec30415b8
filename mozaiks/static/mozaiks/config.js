// What the page was told by its template, and the address of its socket.

/** The `mozaiks-config` of the page. */
export function readConfig() {
  const told = JSON.parse(document.getElementById("mozaiks-config").textContent);
  return { api: "/api", csrf_cookie: "csrftoken", ...told };
}

/** The address of a page of ours, in the app that was asked for. */
export function pageUrl(path, asked = {}, { search } = location) {
  const app = new URLSearchParams(search).get("app");
  const query = new URLSearchParams({ ...asked, ...(app ? { app } : {}) }).toString();
  return query ? `${path}?${query}` : path;
}

/** The socket's address on this host. */
export function socketUrl(path, { protocol, host } = location) {
  return `${protocol === "https:" ? "wss" : "ws"}://${host}${path}`;
}
