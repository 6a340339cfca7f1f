// The gateway's log as it grows: filtered by level and words, followed or held.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { clock } from "../lib/format";
import { CallError } from "../lib/gateway";
import { LEVELS, parseLine, type LogLine } from "../lib/logline";
import { gateway, link, words } from "../lib/state";
import { Badge, CopyButton, Empty, Failure, Loading } from "../parts/basic";

const EVERY_MS = 1_500;
const FIRST = 500; // lines
const KEPT = 5_000; // lines in the page
const SHOWN = 1_000; // lines drawn at once

interface Tail {
  file?: string;
  cursor?: number;
  lines?: string[];
  reset?: boolean;
  truncated?: boolean;
}

interface Kept extends LogLine {
  id: number;
}

/** The lines so far; asks for more while `paused` is false and the page is seen. */
function useTail(paused: boolean) {
  const [lines, setLines] = useState<Kept[] | null>(null);
  const [file, setFile] = useState("");
  const [error, setError] = useState("");
  const cursor = useRef<number | undefined>(undefined);
  const lastId = useRef(0);
  const online = link.value.phase === "online";
  useEffect(() => {
    if (!online || paused) return;
    let over = false;
    let timer = 0;
    const ask = async () => {
      try {
        if (!document.hidden || lines === null) {
          const answer = await gateway.call<Tail>("logs.tail", cursor.current === undefined ? { limit: FIRST } : { cursor: cursor.current, limit: FIRST });
          if (over) return;
          cursor.current = answer.cursor;
          const fresh = (answer.lines ?? []).filter((raw) => raw.trim()).map((raw) => ({ ...parseLine(raw), id: ++lastId.current }));
          setFile(answer.file ?? "");
          setError("");
          if (answer.reset) setLines(fresh);
          else setLines((now) => (now === null || fresh.length ? [...(now ?? []), ...fresh].slice(-KEPT) : now));
        }
      } catch (failure) {
        if (!over && !(failure instanceof CallError && failure.code === "OFFLINE")) setError(words(failure));
      }
      if (!over) timer = window.setTimeout(ask, EVERY_MS);
    };
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [online, paused]);
  return { lines, file, error, clear: () => setLines([]) };
}

export function LogsView() {
  const [paused, setPaused] = useState(false);
  const [level, setLevel] = useState("debug");
  const [search, setSearch] = useState("");
  const tail = useTail(paused);
  const box = useRef<HTMLDivElement>(null);
  const pinned = useRef(true);
  const wanted = search.trim().toLowerCase();
  const found = useMemo(() => {
    const least = LEVELS.indexOf(level);
    return (tail.lines ?? []).filter((line) => LEVELS.indexOf(line.level) >= least && (!wanted || `${line.source} ${line.text}`.toLowerCase().includes(wanted)));
  }, [tail.lines, level, wanted]);
  const drawn = found.slice(-SHOWN);
  useLayoutEffect(() => {
    if (box.current && pinned.current && !paused) box.current.scrollTop = box.current.scrollHeight;
  }, [drawn]);
  return (
    <div class="page page-wide page-full">
      <header class="page-head">
        <div>
          <h1>Logs</h1>
          {tail.file && (
            <p class="lead">
              <code>{tail.file}</code>
            </p>
          )}
        </div>
        <div class="row">
          <select class="input input-small" aria-label="Least level" value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
            {LEVELS.map((name) => (
              <option key={name} value={name}>
                {name === "trace" ? "all levels" : `${name} and above`}
              </option>
            ))}
          </select>
          <input type="search" class="input input-small" placeholder="Filter" aria-label="Filter lines" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
          <button type="button" class="button button-small" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            {paused ? "Follow" : "Pause"}
          </button>
          <button type="button" class="button button-small" onClick={tail.clear}>
            Clear
          </button>
          <CopyButton text={drawn.map((line) => [line.at ? new Date(line.at).toISOString() : "", line.level, line.source, line.text].filter(Boolean).join(" ")).join("\n")} />
        </div>
      </header>
      {tail.error && <Failure text={tail.error} />}
      {tail.lines === null && !tail.error && <Loading />}
      {tail.lines !== null && found.length === 0 && <Empty title={tail.lines.length ? "No line fits" : "The log is empty"} />}
      {drawn.length > 0 && (
        <div
          class="log"
          ref={box}
          tabIndex={0}
          role="region"
          aria-label="Log lines"
          onScroll={(event) => {
            const area = event.currentTarget;
            pinned.current = area.scrollHeight - area.scrollTop - area.clientHeight < 40;
          }}
        >
          {found.length > drawn.length && <p class="muted">The last {SHOWN.toLocaleString()} of {found.length.toLocaleString()} lines.</p>}
          {drawn.map((line) => (
            <div key={line.id} class={`log-line log-${line.level}`}>
              <span class="log-time">{clock(line.at, true)}</span>
              <span class="log-level">{line.level}</span>
              <span class="log-source">{line.source}</span>
              <span class="log-text">{line.text}</span>
            </div>
          ))}
        </div>
      )}
      <div class="row muted log-foot">
        <span>
          {found.length.toLocaleString()} of {(tail.lines ?? []).length.toLocaleString()} lines
        </span>
        {paused ? <Badge tone="warn">held</Badge> : <Badge tone="ok">following</Badge>}
      </div>
    </div>
  );
}
