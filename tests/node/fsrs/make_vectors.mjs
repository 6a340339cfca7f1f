// Writes tests/data/fsrs/vectors.json: what ts-fsrs makes of random lives of cards. tests/unit/test_fsrs.c compares tools/fsrs.c with it.
// Again after a new version:  npm ci && npm run vectors
import { writeFileSync } from "node:fs";
import { createEmptyCard, fsrs, generatorParameters } from "ts-fsrs";

let seed = 20261127;
const roll = (n) => ((seed = (seed * 1103515245 + 12345) % 2147483648), Math.floor((seed / 2147483648) * n));
const scheduler = fsrs(generatorParameters({ request_retention: 0.9, enable_fuzz: false, enable_short_term: true }));
const lives = [];
for (let i = 0; i < 150; i++) {
  let now = Date.UTC(2026, roll(12), 1 + roll(28), roll(24), roll(60));
  let card = createEmptyCard(new Date(now));
  const life = [];
  for (let r = 0; r < 10; r++) {
    const rating = [1, 2, 3, 3, 3, 3, 4][roll(7)];
    card = scheduler.next(card, new Date(now), rating).card;
    life.push([now, rating, card.due.getTime(), card.stability, card.difficulty, card.state, card.reps, card.lapses, card.scheduled_days]);
    const late = [0, 0, 0.1, 0.5, 2][roll(5)] * (card.due.getTime() - now);
    now = Math.max(now + 60000, Math.floor(card.due.getTime() + late - (roll(6) === 0 ? 0.5 * (card.due.getTime() - now) : 0)));
  }
  lives.push(life);
}
const text = lives.map((life) => JSON.stringify(life)).join(",\n");
writeFileSync(new URL("../../data/fsrs/vectors.json", import.meta.url), `[\n${text}\n]\n`);
