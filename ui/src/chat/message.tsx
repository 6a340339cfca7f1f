// One entry of a conversation.
import type { ComponentChildren } from "preact";
import { clock, dateTime, duration } from "../lib/format";
import { Badge, CopyButton } from "../parts/basic";
import { Icon } from "../parts/icon";
import { Markdown } from "../parts/markdown";
import { memo } from "../parts/memo";
import { unrecorded, type Item, type ToolUse } from "./history";
import type { Echo, Run } from "./model";
import { discard, retry } from "./store";

const RESULT_SHOWN = 20_000; // characters of a tool's result

function Time({ at }: { at?: number }) {
  if (!at) return null;
  return (
    <time dateTime={new Date(at).toISOString()} title={dateTime(at)}>
      {clock(at)}
    </time>
  );
}

function Bubble({ text, foot, state }: { text: string; foot?: ComponentChildren; state?: string }) {
  return (
    <div class={`turn turn-user ${state ? `turn-${state}` : ""}`}>
      <div class="bubble">{text}</div>
      {foot && <div class="turn-foot">{foot}</div>}
    </div>
  );
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** The one argument that says most, for the closed card. */
function gist(args: any): string {
  if (!args || typeof args !== "object") return "";
  for (const name of ["command", "cmd", "path", "file_path", "url", "query", "task", "message", "action", "sessionKey"]) if (typeof args[name] === "string") return args[name].split("\n")[0].slice(0, 120);
  return "";
}

export const ToolCard = memo(function ToolCard({ tool, live }: { tool: ToolUse; live?: boolean }) {
  const args = shown(tool.args);
  const result = tool.result ?? "";
  const state = tool.isError ? "bad" : tool.done ? "ok" : "info";
  return (
    <details class={`tool tool-${state}`}>
      <summary>
        <Icon name="tool" size={15} />
        <span class="tool-name">{tool.name}</span>
        <span class="tool-gist">{tool.meta || gist(tool.args)}</span>
        <span class="push">
          {tool.isError ? <Badge tone="bad">failed</Badge> : tool.done ? <Badge tone="ok">done</Badge> : live ? <Badge tone="info">running</Badge> : <Badge>no result</Badge>}
        </span>
      </summary>
      {args && args !== "{}" && (
        <div class="tool-part">
          <div class="tool-label">
            Arguments <CopyButton small text={args} label="Copy the arguments" />
          </div>
          <pre tabIndex={0}>{args}</pre>
        </div>
      )}
      {tool.done && (
        <div class="tool-part">
          <div class="tool-label">Result {result && <CopyButton small text={result} label="Copy the result" />}</div>
          <pre tabIndex={0}>{result ? result.slice(0, RESULT_SHOWN) : tool.result === undefined ? "Comes with the history." : "(empty)"}</pre>
          {result.length > RESULT_SHOWN && <p class="muted">Cut here; the whole has {result.length.toLocaleString()} characters.</p>}
        </div>
      )}
    </details>
  );
});

function Answer(props: { text: string; foot?: ComponentChildren; error?: string; stopped?: string }) {
  return (
    <div class="turn turn-agent">
      {props.text && <Markdown text={props.text} />}
      {props.error && (
        <div class="note note-bad">
          <Icon name="warn" />
          <span class="note-text">{props.error}</span>
        </div>
      )}
      {props.stopped && <p class="stopped">{props.stopped}</p>}
      {props.foot && <div class="turn-foot">{props.foot}</div>}
    </div>
  );
}

export const Entry = memo(function Entry({ item, live }: { item: Item; live?: boolean }) {
  switch (item.kind) {
    case "user":
      return (
        <Bubble
          text={item.text}
          foot={
            <>
              {item.images > 0 && <span>{item.images === 1 ? "1 picture" : `${item.images} pictures`}</span>}
              <Time at={item.at} />
            </>
          }
        />
      );
    case "agent":
      return (
        <Answer
          text={item.text}
          error={item.error}
          stopped={item.stopped}
          foot={
            <>
              <Time at={item.at} />
              {item.model && <span>{item.model}</span>}
              {item.text && <CopyButton small text={item.text} label="Copy this answer" />}
            </>
          }
        />
      );
    case "thinking":
      return (
        <details class="tool thinking">
          <summary>
            <Icon name="clock" size={15} />
            <span class="tool-name">Thoughts</span>
          </summary>
          <div class="tool-part thinking-text">{item.text}</div>
        </details>
      );
    case "tool":
      return <ToolCard tool={item.tool} live={live} />;
    case "divider":
      return (
        <div class="divider" role="separator">
          <span>{item.text}</span>
        </div>
      );
  }
});

const ECHO_WORDS: Record<Echo["state"], string> = {
  sending: "Sending…",
  queued: "Queued: it is taken up when the current turn is over",
  running: "",
  done: "",
  failed: "Not sent",
};

export function EchoEntry({ echo }: { echo: Echo }) {
  const words = ECHO_WORDS[echo.state];
  return (
    <div class={`turn turn-user turn-${echo.state}`}>
      <div class="bubble">
        {echo.text}
        {echo.attachments.length > 0 && (
          <div class="thumbs">
            {echo.attachments.map((file, at) => (
              <img key={at} src={`data:${file.mimeType};base64,${file.content}`} alt={file.fileName} />
            ))}
          </div>
        )}
      </div>
      <div class="turn-foot">
        {words && <Badge tone={echo.state === "failed" ? "bad" : echo.state === "queued" ? "warn" : "plain"}>{words}</Badge>}
        {echo.error && <span class="bad-text">{echo.error}</span>}
        {echo.state === "failed" && (
          <>
            <button type="button" class="link-button" onClick={() => retry(echo.runId)}>
              Send again
            </button>
            <button type="button" class="link-button" onClick={() => discard(echo.runId)}>
              Remove
            </button>
          </>
        )}
      </div>
    </div>
  );
}

export function Working({ words, ms }: { words: string; ms?: number }) {
  return (
    <div class="working">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span>{words}</span>
      {ms !== undefined && ms >= 1_000 && <span class="muted numbers">{duration(ms)}</span>}
    </div>
  );
}

/** A run that goes on: what of its text and tools is not on record. */
export function RunEntry({ run, recorded, known, now }: { run: Run; recorded: string[]; known: Set<string>; now: number }) {
  const text = unrecorded(run.text, recorded);
  const tools = run.tools.filter((tool) => !known.has(tool.id));
  const waiting = !run.over && !text && tools.every((tool) => tool.done);
  return (
    <>
      {tools.map((tool) => (
        <ToolCard key={tool.id} tool={tool} live={!run.over} />
      ))}
      {(text || run.error || run.stopped) && <Answer text={text} error={run.error} stopped={run.stopped} />}
      {!run.over && <Working words={waiting ? "Thinking" : text ? "Answering" : "Using a tool"} ms={Math.max(0, now - run.startedAt)} />}
    </>
  );
}
