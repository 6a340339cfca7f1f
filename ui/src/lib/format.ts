// Numbers and times for people.

const UNITS: [number, string][] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** 850 ms, 12.4 s, 3 min 5 s, 2 h 10 min. */
export function duration(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return "–";
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const at = UNITS.findIndex(([size]) => ms >= size);
  const [size, unit] = UNITS[at]!;
  const [small, smallUnit] = UNITS[at + 1]!;
  const rest = Math.floor((ms % size) / small);
  return `${Math.floor(ms / size)} ${unit}${rest ? ` ${rest} ${smallUnit}` : ""}`;
}

/** "just now", "4 min ago", "in 2 h". */
export function relative(ms: number | null | undefined, now = Date.now()): string {
  if (!ms) return "never";
  const away = Math.abs(now - ms);
  if (away < 10_000) return "just now";
  const [size, unit] = UNITS.find(([length]) => away >= length) ?? UNITS[3]!;
  const words = `${Math.floor(away / size)} ${unit}`;
  return now >= ms ? `${words} ago` : `in ${words}`;
}

export function dateTime(ms: number | null | undefined): string {
  if (!ms) return "–";
  return new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

export function clock(ms: number | null | undefined, seconds = false): string {
  if (!ms) return "";
  return new Date(ms).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) });
}

export function bytes(n: number | null | undefined): string {
  if (n == null) return "–";
  if (n < 1_000) return `${n} B`;
  if (n < 1_000_000) return `${(n / 1_000).toFixed(n < 10_000 ? 1 : 0)} kB`;
  return `${(n / 1_000_000).toFixed(1)} MB`;
}

/** 950, 12.3k, 4.1M. */
export function count(n: number | null | undefined): string {
  if (n == null || !Number.isFinite(n)) return "–";
  if (n < 10_000) return n.toLocaleString();
  if (n < 1_000_000) return `${(n / 1_000).toFixed(n < 100_000 ? 1 : 0)}k`;
  return `${(n / 1_000_000).toFixed(1)}M`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString()} ${n === 1 ? one : many}`;
}

export function shortId(id: string | undefined, n = 8): string {
  if (!id) return "–";
  return id.length > n + 1 ? `${id.slice(0, n)}…` : id;
}

/** The agent of a session key, "" when there is none. */
export function agentOf(key: string | undefined): string {
  const parts = (key ?? "").split(":");
  return parts[0] === "agent" && parts.length > 2 ? parts[1]! : "";
}

/** What is left of a session key behind its agent. */
export function restOf(key: string): string {
  const agent = agentOf(key);
  return agent ? key.slice(`agent:${agent}:`.length) : key;
}
