// The little of the DOM that the page uses. Everything that came from a log goes through text nodes and plain attributes,
// never through markup: a log line is written by strangers.

type Attributes = Readonly<Record<string, string>>;

/** An element with attributes and children; a string becomes a text node. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The element of the page's own markup with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element "${id}"`);
  return found as T;
}

/** Writes only what differs: an unchanged text costs no layout. */
export function setText(target: Element, value: string): void {
  if (target.textContent !== value) target.textContent = value;
}

export function setAttribute(target: Element, name: string, value: string): void {
  if (target.getAttribute(name) !== value) target.setAttribute(name, value);
}
