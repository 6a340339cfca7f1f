// The difference of two texts, line by line: what is common at both ends is set aside, the middle compared by the longest
// common subsequence.

export interface DiffLine {
  kind: "same" | "out" | "in";
  text: string;
  before?: number; // line number in the old text, from 1
  after?: number; // ... in the new one
}

const CELLS_MAX = 4_000_000; // of the table; above it the middle counts as replaced

function middle(a: string[], b: string[]): ("same" | "out" | "in")[] {
  if (a.length * b.length > CELLS_MAX) return [...a.map(() => "out" as const), ...b.map(() => "in" as const)];
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let k = b.length - 1; k >= 0; k--) table[i * width + k] = a[i] === b[k] ? table[(i + 1) * width + k + 1]! + 1 : Math.max(table[(i + 1) * width + k]!, table[i * width + k + 1]!);
  const steps: ("same" | "out" | "in")[] = [];
  let i = 0;
  let k = 0;
  while (i < a.length || k < b.length) {
    if (i < a.length && k < b.length && a[i] === b[k]) {
      steps.push("same");
      i++;
      k++;
    } else if (i < a.length && (k >= b.length || table[(i + 1) * width + k]! >= table[i * width + k + 1]!)) {
      steps.push("out");
      i++;
    } else {
      steps.push("in");
      k++;
    }
  }
  return steps;
}

export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.split("\n");
  const b = after.split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const steps = [...a.slice(0, head).map(() => "same" as const), ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)), ...Array.from({ length: tail }, () => "same" as const)];
  let i = 0;
  let k = 0;
  return steps.map((kind) => {
    const line: DiffLine = { kind, text: kind === "in" ? b[k]! : a[i]! };
    if (kind !== "in") line.before = ++i;
    if (kind !== "out") line.after = ++k;
    return line;
  });
}

/** Changed lines with `around` lines on each side; null stands for what was left out. */
export function hunks(lines: DiffLine[], around = 3): (DiffLine | null)[] {
  const keep = new Uint8Array(lines.length);
  lines.forEach((line, at) => {
    if (line.kind !== "same") keep.fill(1, Math.max(0, at - around), at + around + 1);
  });
  const out: (DiffLine | null)[] = [];
  lines.forEach((line, at) => {
    if (keep[at]) out.push(line);
    else if (out[out.length - 1] !== null) out.push(null);
  });
  return out;
}
