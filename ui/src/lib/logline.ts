// A line of the log: JSON as OpenClaw writes it, JSON or key=value as this gateway does.

export interface LogLine {
  at: number; // ms, 0: unknown
  level: string; // trace, debug, info, warn, error, fatal
  source: string;
  text: string;
}

export const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];

function levelOf(name: unknown): string {
  const level = String(name ?? "").toLowerCase();
  if (level === "warning") return "warn";
  return LEVELS.includes(level) ? level : "info";
}

function sourceOf(value: unknown): string {
  if (typeof value !== "string") return "";
  try {
    const parsed = JSON.parse(value);
    if (parsed && typeof parsed === "object") return String(parsed.subsystem ?? parsed.module ?? "");
  } catch {
    // no JSON: it is the message itself
  }
  return "";
}

function fromJson(raw: string): LogLine | null {
  let line: any;
  try {
    line = JSON.parse(raw);
  } catch {
    return null;
  }
  if (!line || typeof line !== "object") return null;
  const at = Date.parse(line.time ?? line.ts ?? line._meta?.date ?? "") || (typeof line.ts === "number" ? line.ts : 0);
  if (line._meta) {
    const source = sourceOf(line["0"]);
    const words = Object.keys(line)
      .filter((key) => /^\d+$/.test(key) && !(key === "0" && source))
      .map((key) => (typeof line[key] === "string" ? line[key] : JSON.stringify(line[key])));
    return { at, level: levelOf(line._meta.logLevelName), source, text: words.join(" ") };
  }
  const { ts, time, level, actor, subsystem, ...rest } = line;
  const text = Object.entries(rest)
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
  return { at, level: levelOf(level), source: String(actor ?? subsystem ?? ""), text };
}

export function parseLine(raw: string): LogLine {
  const parsed = raw.startsWith("{") ? fromJson(raw) : null;
  if (parsed) return parsed;
  const take = (name: string) => new RegExp(`(?:^|\\s)${name}=("(?:[^"\\\\]|\\\\.)*"|\\S+)`).exec(raw)?.[1]?.replace(/^"|"$/g, "") ?? "";
  const text = raw.replace(/(?:^|\s)(?:ts|level|actor)=(?:"(?:[^"\\]|\\.)*"|\S+)/g, "").trim();
  return { at: Date.parse(take("ts")) || 0, level: levelOf(take("level")), source: take("actor"), text };
}
