// A text field with line numbers, which can go to a line. Tab leaves it, as everywhere; text is indented with spaces.
import { useEffect, useMemo, useRef } from "preact/hooks";

const LINE = 20; // pixels; .code-edit in views.css has the same

export function CodeEdit({ text, label, onInput, goTo, bad }: { text: string; label: string; onInput: (text: string) => void; goTo: { line: number; at: number }; bad: number[] }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const lines = useMemo(() => text.split("\n").length, [text]);
  useEffect(() => {
    const box = area.current;
    if (!box || goTo.line < 1) return;
    const all = box.value.split("\n");
    const start = all.slice(0, goTo.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
    box.focus();
    box.setSelectionRange(start, start + (all[goTo.line - 1]?.length ?? 0));
    box.scrollTop = Math.max(0, (goTo.line - 5) * LINE);
  }, [goTo]);
  const wrong = new Set(bad);
  return (
    <div class="code-edit">
      <div class="code-gutter" ref={gutter} aria-hidden="true">
        {Array.from({ length: lines }, (_, at) => (
          <div key={at} class={wrong.has(at + 1) ? "code-bad" : undefined}>
            {at + 1}
          </div>
        ))}
      </div>
      <textarea
        ref={area}
        aria-label={label}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        value={text}
        onInput={(event) => onInput(event.currentTarget.value)}
        onScroll={(event) => {
          if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
      />
    </div>
  );
}
