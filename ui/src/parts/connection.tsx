// What stands above every view while the page is not connected: why, and what to do about it.
import { useEffect, useState } from "preact/hooks";
import type { Link } from "../lib/gateway";
import { gateway, hello, link, wasOnline } from "../lib/state";
import { CopyButton } from "./basic";
import { Icon } from "./icon";

export function statusWords(now: Link): string {
  if (now.phase === "online") return hello.value?.server?.host ? `Connected · ${hello.value.server.host}` : "Connected";
  if (now.phase === "connecting") return "Connecting…";
  if (now.problem?.next === "pair") return "Waiting for approval";
  if (now.phase === "asking") return "Not connected";
  return "Reconnecting…";
}

/** Text with `commands` set apart. */
function marked(text: string) {
  return text.split("`").map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part));
}

function SignIn({ wrong }: { wrong: boolean }) {
  const [secret, setSecret] = useState("");
  return (
    <form
      class="signin"
      onSubmit={(event) => {
        event.preventDefault();
        if (secret.trim()) gateway.signIn(secret.trim());
      }}
    >
      <input type="text" name="username" autocomplete="username" value="openclaw" hidden readOnly />
      <label class="field">
        <span class="field-label">Gateway token or password</span>
        <input
          type="password"
          class="input"
          autocomplete="current-password"
          value={secret}
          aria-invalid={wrong}
          onInput={(event) => setSecret(event.currentTarget.value)}
          ref={(input) => {
            if (input && !secret) input.focus();
          }}
        />
      </label>
      <button type="submit" class="button button-primary" disabled={!secret.trim()}>
        Connect
      </button>
    </form>
  );
}

function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [until]);
  const left = Math.max(0, Math.ceil((until - now) / 1_000));
  return <>{left > 0 ? `Next attempt in ${left} s.` : "Trying now…"}</>;
}

/** Nothing while connected, or while a first attempt runs. */
export function Connection() {
  const { phase, problem: current, retryAt } = link.value;
  const [kept, setKept] = useState(current);
  useEffect(() => {
    if (phase === "online") setKept(undefined);
    else if (current) setKept(current);
  }, [phase, current]);
  const problem = current ?? (phase === "connecting" ? kept : undefined);
  if (!problem) return null;
  const asks = problem.next === "ask" || !!problem.mayAsk;
  return (
    <section class={`connection ${wasOnline.value ? (asks || problem.command ? "" : "connection-slim") : "connection-alone"}`} aria-label="Connection">
      <div class="connection-box" role={problem.wrongSecret ? "alert" : "status"}>
        <h2>
          {problem.next !== "ask" && <Icon name={problem.next === "pair" ? "devices" : "warn"} />}
          {problem.title}
        </h2>
        <p>{marked(problem.text)}</p>
        {problem.requestId && (
          <p>
            Request <code>{problem.requestId}</code>
          </p>
        )}
      </div>
      {problem.command && (
        <div class="command">
          <code>{problem.command}</code>
          <CopyButton text={problem.command} label="Copy" />
        </div>
      )}
      {asks && <SignIn wrong={!!problem.wrongSecret} />}
      {problem.next !== "ask" && (
        <div class="row connection-foot">
          {retryAt && phase === "waiting" && (
            <span class="muted">
              <Countdown until={retryAt} />
            </span>
          )}
          <button type="button" class="button button-small" onClick={() => gateway.connect()}>
            Try now
          </button>
        </div>
      )}
    </section>
  );
}
