// REST (PROTOCOL §6). The one rule: a refusal is an `ApiError` with the server's sentence.

export class ApiError extends Error {
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The endpoints the page reads, for one app and user. */
export function createApi({ api, app_id: app, user_id: user, csrf_cookie: csrfCookie }, fetcher = fetch) {
  const part = encodeURIComponent;
  async function call(path, { method = "GET", body } = {}) {
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method !== "GET") headers["X-CSRFToken"] = cookie(csrfCookie);
    let response;
    try {
      const content = body === undefined ? undefined : JSON.stringify(body);
      response = await fetcher(`${api}${path}`, { method, headers, body: content, credentials: "same-origin" });
    } catch {
      throw new ApiError("UNAVAILABLE", "The server cannot be reached.", 0);
    }
    const answer = await response.json().catch(() => null);
    if (response.ok && answer !== null) return answer;
    if (response.ok && response.status === 204) return null;
    const { code = "INTERNAL", message = "The server could not answer." } = answer?.error ?? {};
    throw new ApiError(code, message, response.status);
  }
  return {
    call,
    sessions: () => call(`/sessions/list/${part(app)}/${part(user)}`),
    generalChats: () => call(`/general_chats/list/${part(app)}/${part(user)}?limit=200`),
    available: () => call(`/workflows/${part(app)}/available`),
    meta: (workflow, chatId) => call(`/chats/meta/${part(app)}/${part(workflow)}/${part(chatId)}`),
    artifact: (id) => call(`/artifacts/${part(app)}/${part(id)}`),
    artifactVersion: (id, version) => call(`/artifacts/${part(app)}/${part(id)}/versions/${part(version)}`),
    transcript: (kind, chatId, after, limit) =>
      call(
        `/${kind === "general" ? "general_chats" : "chats"}/transcript/${part(app)}/${part(chatId)}` +
          `?after_sequence=${after}&limit=${limit}`,
      ),
    start: (workflow, body) => call(`/chats/${part(app)}/${part(workflow)}/start`, { method: "POST", body }),
  };
}

function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}
