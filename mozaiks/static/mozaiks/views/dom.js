// Small tools to make and update elements. The one rule: text is text; only markdown.js makes HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element; `props` are attributes, `on…` listeners, `class`, and `data` for data attributes. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Sets the text where it changed, so that a selection in it stays. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets or removes attributes where they changed. */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value === true ? "" : value)) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
}

/** Makes `container`'s children those of `entries`, keeping the element of a key that is still there. */
export function keyed(container, entries, keyOf, create, update) {
  const held = (container.__keyed ??= new Map());
  const keys = new Set(entries.map(keyOf));
  for (const [key, view] of held) {
    if (keys.has(key)) continue;
    view.element.remove();
    held.delete(key);
  }
  let at = container.firstElementChild;
  for (const entry of entries) {
    const key = keyOf(entry);
    let view = held.get(key);
    if (!view) {
      view = create(entry);
      if (view instanceof Element) view = { element: view };
      held.set(key, view);
    }
    if (view.element === at) at = at.nextElementSibling;
    else container.insertBefore(view.element, at);
    if (view.entry !== entry) {
      view.entry = entry;
      update?.(view, entry);
    }
  }
}

const ICONS = {
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  pause: "M9 6v12M15 6v12",
  play: "M8 5.5v13l10-6.5z",
  retry: "M4 12a8 8 0 1 0 2.6-5.9M4 4v4.5h4.5",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  chat: "M5 5h14v10H10l-5 4z",
  panel: "M4 5h16v14H4zM14 5v14",
  copy: "M9 9h10v10H9zM15 9V5H5v10h4",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  code: "M9 7l-5 5 5 5M15 7l5 5-5 5",
  down: "M12 5v14M6 13l6 6 6-6",
  tool: "M14.5 6.5a4 4 0 0 0 4.9 4.9l-8 8a2.1 2.1 0 0 1-3-3l8-8",
  back: "M15 6l-6 6 6 6",
  check: "M5 12.5l4.5 4.5L19 7.5",
};

/** A decorative icon. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: `icon icon-${name}`, "aria-hidden": "true", focusable: "false" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button with an icon, a text, or both; `label` is its name where it shows no text. */
export function button({ text, label, iconName, kind = "quiet", testid, onclick, type = "button", ...rest }) {
  const data = testid ? { testid } : {};
  return h(
    "button",
    { type, class: `button ${kind}${text ? "" : " square"}`, "aria-label": label, title: text ? null : label, data, onclick, ...rest },
    iconName ? icon(iconName) : null,
    text ? h("span", {}, text) : null,
  );
}
