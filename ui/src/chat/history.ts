// From the gateway's messages to what is shown: turns of a person, an agent's text, thinking, tool calls with their results.

export interface Part {
  type: string;
  text?: string;
  thinking?: string;
  id?: string;
  name?: string;
  arguments?: any;
  mimeType?: string;
  data?: string;
  omitted?: boolean;
  bytes?: number;
}

export interface RawMessage {
  role: string;
  content?: Part[] | string;
  timestamp?: number;
  provider?: string;
  model?: string;
  stopReason?: string;
  errorMessage?: string;
  toolCallId?: string;
  toolName?: string;
  isError?: boolean;
  __openclaw?: { kind?: string; id?: string };
}

export interface ToolUse {
  id: string;
  name: string;
  args?: any;
  result?: string;
  isError?: boolean;
  done: boolean;
  meta?: string;
}

export type Item =
  | { kind: "user"; key: string; text: string; images: number; at?: number }
  | { kind: "agent"; key: string; text: string; at?: number; model?: string; stopped?: string; error?: string }
  | { kind: "thinking"; key: string; text: string }
  | { kind: "tool"; key: string; tool: ToolUse }
  | { kind: "divider"; key: string; text: string; at?: number };

const METADATA = /^\s*(?:[A-Z][\w ,'()-]*\(untrusted[^)\n]*\):\s*```(?:json)?\n[\s\S]*?\n```\s*)+/;
const STAMP = /^\[(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?[^\]\n]*\] ?/;

/** A person's words without what the gateway puts in front of them for the model. */
export function cleanUserText(text: string): string {
  return text.replace(METADATA, "").replace(STAMP, "");
}

export function partsOf(message: RawMessage): Part[] {
  if (typeof message.content === "string") return [{ type: "text", text: message.content }];
  return Array.isArray(message.content) ? message.content : [];
}

export function textOf(message: RawMessage | undefined): string {
  if (!message) return "";
  return partsOf(message)
    .filter((part) => part.type === "text")
    .map((part) => part.text ?? "")
    .join("\n");
}

function agentItems(message: RawMessage, key: string, results: Map<string, RawMessage>): Item[] {
  const items: Item[] = [];
  const model = message.model && message.provider ? `${message.provider}/${message.model}` : message.model;
  partsOf(message).forEach((part, at) => {
    const partKey = `${key}.${at}`;
    if (part.type === "text" && part.text?.trim()) items.push({ kind: "agent", key: partKey, text: part.text, at: message.timestamp, model });
    else if (part.type === "thinking" && part.thinking?.trim()) items.push({ kind: "thinking", key: partKey, text: part.thinking });
    else if (part.type === "toolCall") {
      const answer = results.get(part.id ?? "");
      items.push({
        kind: "tool",
        key: partKey,
        tool: {
          id: part.id ?? partKey,
          name: part.name ?? "tool",
          args: part.arguments,
          result: answer ? textOf(answer) : undefined,
          isError: answer?.isError,
          done: !!answer,
        },
      });
    }
  });
  const stopped = message.stopReason === "aborted" ? "Stopped" : undefined;
  const error = message.stopReason === "error" ? message.errorMessage || "The model gave no answer." : undefined;
  if (!stopped && !error) return items;
  const last = items[items.length - 1];
  if (last?.kind === "agent") Object.assign(last, { stopped, error });
  else items.push({ kind: "agent", key: `${key}.end`, text: "", at: message.timestamp, model, stopped, error });
  return items;
}

export function itemsOf(messages: RawMessage[]): Item[] {
  const results = new Map<string, RawMessage>();
  for (const message of messages) if (message.role === "toolResult" && message.toolCallId) results.set(message.toolCallId, message);
  const seen = new Map<string, number>();
  return messages.flatMap((message): Item[] => {
    // Keys stay the same when older messages are loaded in front.
    const base = `${message.role}-${message.timestamp ?? 0}`;
    const n = seen.get(base) ?? 0;
    seen.set(base, n + 1);
    const key = n ? `${base}-${n}` : base;
    if (message.role === "user") {
      const images = partsOf(message).filter((part) => part.type === "image").length;
      return [{ kind: "user", key, text: cleanUserText(textOf(message)), images, at: message.timestamp }];
    }
    if (message.role === "assistant") return agentItems(message, key, results);
    if (message.role === "system") return [{ kind: "divider", key, text: dividerText(message), at: message.timestamp }];
    return [];
  });
}

function dividerText(message: RawMessage): string {
  if (message.__openclaw?.kind === "compaction") return "Older messages were summarised for the model";
  return textOf(message);
}

/** The texts that the agent has put on record since the last words of a person. */
export function recordedTexts(messages: RawMessage[]): string[] {
  const texts: string[] = [];
  for (let at = messages.length - 1; at >= 0 && messages[at]!.role !== "user"; at--) {
    if (messages[at]!.role !== "assistant") continue;
    const text = textOf(messages[at]).trim();
    if (text) texts.unshift(text);
  }
  return texts;
}

/** What of a streamed text is not on record yet. */
export function unrecorded(text: string, recorded: string[]): string {
  let rest = text.trim();
  for (const part of recorded) {
    if (rest.startsWith(part)) rest = rest.slice(part.length).trimStart();
    else if (part.startsWith(rest)) return "";
  }
  return rest;
}
