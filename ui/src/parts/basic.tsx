// The small things that every view is made of.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { copy } from "../lib/clipboard";
import type { Loaded } from "../lib/use";
import { Icon } from "./icon";

export type Tone = "ok" | "warn" | "bad" | "info" | "plain";

export function Page(props: { title: string; lead?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; wide?: boolean }) {
  return (
    <div class={props.wide ? "page page-wide" : "page"}>
      <header class="page-head">
        <div>
          <h1>{props.title}</h1>
          {props.lead && <p class="lead">{props.lead}</p>}
        </div>
        {props.actions && <div class="row">{props.actions}</div>}
      </header>
      {props.children}
    </div>
  );
}

export function Section(props: { title: string; note?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; id?: string }) {
  return (
    <section class="section" id={props.id}>
      <header class="section-head">
        <h2>{props.title}</h2>
        {props.note && <span class="muted">{props.note}</span>}
        {props.actions && <div class="row push">{props.actions}</div>}
      </header>
      {props.children}
    </section>
  );
}

export function Badge({ tone = "plain", children, title }: { tone?: Tone; children: ComponentChildren; title?: string }) {
  return (
    <span class={`badge badge-${tone}`} title={title}>
      {children}
    </span>
  );
}

export function Dot({ tone, label }: { tone: Tone; label?: string }) {
  return <span class={`dot dot-${tone}`} role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : "true"} />;
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children && <div class="muted">{children}</div>}
    </div>
  );
}

export function Failure({ text, retry }: { text: string; retry?: () => void }) {
  return (
    <div class="note note-bad" role="alert">
      <Icon name="warn" />
      <span class="note-text">{text}</span>
      {retry && (
        <button type="button" class="button button-small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Note({ tone = "info", children }: { tone?: Tone; children: ComponentChildren }) {
  return <div class={`note note-${tone}`}>{children}</div>;
}

export function Loading({ what = "Loading" }: { what?: string }) {
  return (
    <p class="loading muted">
      <span class="spinner" aria-hidden="true" />
      {what}…
    </p>
  );
}

/** What a load has to say beside its data: that it still runs, or that it failed. Draws `children` with the data. */
export function With<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  return (
    <>
      {of.error && <Failure text={of.error} retry={of.reload} />}
      {of.data === null && !of.error && <Loading />}
      {of.data !== null && children(of.data)}
    </>
  );
}

export function CopyButton({ text, label = "Copy", small }: { text: string; label?: string; small?: boolean }) {
  const [done, setDone] = useState(false);
  const act = async () => {
    if (!(await copy(text))) return;
    setDone(true);
    setTimeout(() => setDone(false), 1_500);
  };
  return (
    <button type="button" class={small ? "icon-button" : "button button-small"} onClick={act} title={label} aria-label={small ? label : undefined}>
      <Icon name={done ? "check" : "copy"} size={16} />
      {!small && (done ? "Copied" : label)}
      <span class="hidden-visually" role="status">
        {done ? "Copied" : ""}
      </span>
    </button>
  );
}

export function Meter({ label, used, cap, note }: { label: string; used: number; cap: number | null | undefined; note?: ComponentChildren }) {
  const limit = cap ?? 0;
  const share = limit > 0 ? Math.min(1, used / limit) : 0;
  const tone = share >= 1 ? "bad" : share >= 0.75 ? "warn" : "ok";
  return (
    <div class="meter">
      <div class="meter-head">
        <span>{label}</span>
        <span class="numbers">
          <strong>{used}</strong>
          <span class="muted"> / {limit > 0 ? limit : "no limit"}</span>
        </span>
      </div>
      <div class="meter-track" role="meter" aria-label={label} aria-valuenow={used} aria-valuemin={0} aria-valuemax={Math.max(limit, used, 1)}>
        <div class={`meter-fill fill-${tone}`} style={{ width: `${share * 100}%` }} />
      </div>
      {note && <div class="meter-note muted">{note}</div>}
    </div>
  );
}

export function Field({ label, children, hint }: { label: string; children: ComponentChildren; hint?: ComponentChildren }) {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      {children}
      {hint && <span class="field-hint muted">{hint}</span>}
    </label>
  );
}

/** Rows of term and value. Those without a value are left out. */
export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {rows
        .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
        .map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** A table that scrolls sideways within itself when it has to. */
export function Table({ label, head, children }: { label: string; head: (string | null)[]; children: ComponentChildren }) {
  return (
    <div class="table-box" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head.map((name, at) =>
              name === null ? (
                <td key={at} />
              ) : (
                <th key={at} scope="col">
                  {name}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
