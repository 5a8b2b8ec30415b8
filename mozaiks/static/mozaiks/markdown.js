// Markdown a model or a person wrote, as HTML that is safe to show.
//
// The one rule: raw HTML is shown as text, links lead only where a link may lead, and the sanitiser has the
// last word in the browser.
import { Marked } from "./vendor/marked.js";
import DOMPurify from "./vendor/dompurify.js";

const ALLOWED = {
  ALLOWED_TAGS: [
    "a", "blockquote", "br", "code", "del", "div", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
  ],
  ALLOWED_ATTR: ["href", "rel", "target", "class", "start", "tabindex"],
  ALLOW_DATA_ATTR: false,
};

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text }) => escape(text),
    image: ({ text, href }) => escape(text || href), // no image is fetched because a model asked for it
    heading({ tokens, depth }) {
      const level = Math.min(6, depth + 2); // the page has its own h1 and h2
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    link({ href, tokens }) {
      const text = this.parser.parseInline(tokens);
      return isSafe(href) ? `<a href="${escape(href)}" rel="noopener noreferrer nofollow" target="_blank">${text}</a>` : text;
    },
    table(token) {
      const row = (cells, tag) =>
        `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join("")}</tr>`;
      const body = token.rows.map((cells) => row(cells, "td")).join("");
      return `<div class="scroll" tabindex="0"><table><thead>${row(token.header, "th")}</thead><tbody>${body}</tbody></table></div>`;
    },
  },
});

/** HTML for a message. In a browser it is sanitised; elsewhere (tests) it is what the sanitiser would be given. */
export function render(text) {
  const html = toHtml(text);
  return DOMPurify.isSupported ? DOMPurify.sanitize(html, ALLOWED) : html;
}

/** The HTML before the sanitiser: already without raw HTML, images and unsafe links. */
export function toHtml(text) {
  try {
    return marked.parse(String(text ?? ""), { async: false });
  } catch {
    return `<p>${escape(String(text))}</p>`;
  }
}

/** Only web and mail addresses are links. */
export function isSafe(href) {
  return /^(https?:\/\/|mailto:)/i.test(String(href ?? "").trim());
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (char) => `&#${char.codePointAt(0)};`);
}
