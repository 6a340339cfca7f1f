// Markdown as elements. Text is cut into blocks, and only blocks that changed are drawn again: a streamed answer keeps its
// selection, and costs little. Nothing reaches the page but what DOMPurify let through.
import DOMPurify from "dompurify";
import { Lexer, Parser, marked } from "marked";
import { memo } from "./memo";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { copy } from "../lib/clipboard";

marked.setOptions({ gfm: true, breaks: true });

const TEXT_MAX = 200_000; // characters; more is shown as it is

const RULES = {
  ALLOWED_TAGS: ["a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "input", "kbd", "li", "mark", "ol", "p", "pre", "s", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"],
  ALLOWED_ATTR: ["href", "title", "alt", "src", "class", "start", "align", "type", "checked", "disabled", "open"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|data:image\/(?:png|jpeg|gif|webp);|#)/i,
  RETURN_DOM_FRAGMENT: true as const,
};

// Links open beside the page. Pictures from elsewhere become links: the page asks nobody but its gateway.
function tame(root: DocumentFragment): void {
  // Only a block of code says what it is; no text may dress up as a part of the page.
  for (const dressed of root.querySelectorAll("[class]")) if (dressed.localName !== "code") dressed.removeAttribute("class");
  for (const link of root.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  for (const image of root.querySelectorAll("img")) {
    const source = image.getAttribute("src") ?? "";
    if (source.startsWith("data:")) continue;
    const link = document.createElement("a");
    link.href = source || "#";
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.textContent = `Picture: ${image.alt || source}`;
    image.replaceWith(link);
  }
  for (const input of root.querySelectorAll("input")) {
    input.type = "checkbox";
    input.disabled = true;
    input.setAttribute("aria-label", input.checked ? "done" : "not done");
  }
  for (const table of root.querySelectorAll("table")) {
    const box = document.createElement("div");
    box.className = "table-box";
    box.tabIndex = 0;
    table.replaceWith(box);
    box.append(table);
  }
}

function frameCode(root: DocumentFragment): void {
  for (const pre of root.querySelectorAll("pre")) {
    const code = pre.querySelector("code");
    const language = /language-([\w+#.-]+)/.exec(code?.className ?? "")?.[1] ?? "text";
    const box = document.createElement("div");
    box.className = "code";
    const head = document.createElement("div");
    head.className = "code-head";
    const name = document.createElement("span");
    name.textContent = language;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "code-copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy the ${language} block`);
    button.addEventListener("click", async () => {
      if (!(await copy(pre.textContent ?? ""))) return;
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1_500);
    });
    head.append(name, button);
    pre.tabIndex = 0;
    pre.replaceWith(box);
    box.append(head, pre);
  }
}

const Block = memo(function Block({ raw }: { raw: string }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const fragment = DOMPurify.sanitize(Parser.parse(Lexer.lex(raw)), RULES);
    tame(fragment);
    frameCode(fragment);
    box.current?.replaceChildren(fragment);
  }, [raw]);
  return <div ref={box} class="md-block" />;
});

export function Markdown({ text }: { text: string }) {
  const blocks = useMemo(() => {
    if (text.length > TEXT_MAX) return null;
    // Definitions of links belong to every block.
    const tokens = Lexer.lex(text);
    const definitions = tokens
      .filter((token) => token.type === "def")
      .map((token) => token.raw)
      .join("\n");
    return tokens.filter((token) => token.type !== "space" && token.type !== "def").map((token) => (definitions ? `${token.raw}\n\n${definitions}` : token.raw));
  }, [text]);
  if (!blocks) return <pre class="plain-text">{text}</pre>;
  return (
    <div class="md">
      {blocks.map((raw, at) => (
        <Block key={at} raw={raw} />
      ))}
    </div>
  );
}
