// What the page was told by its template, and the address of its socket.

/** The `mozaiks-config` of the page. */
export function readConfig() {
  const told = JSON.parse(document.getElementById("mozaiks-config").textContent);
  return { api: "/api", csrf_cookie: "csrftoken", ...told };
}

/** The socket's address on this host. */
export function socketUrl(path, { protocol, host } = location) {
  return `${protocol === "https:" ? "wss" : "ws"}://${host}${path}`;
}
