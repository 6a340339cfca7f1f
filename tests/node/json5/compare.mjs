// Reads the same texts with the json5 package and with json5_dump; any difference fails and is printed.
// Usage: node compare.mjs <json5_dump> [seed] [mutations]
import { spawnSync } from 'node:child_process'
import JSON5 from 'json5'
import { cases } from './cases.mjs'

const DEPTH_MAX = 64 // JSON5_DEPTH_MAX of base/json5.h
const [dump, seed = '1', mutations = '20000'] = process.argv.slice(2)
console.warn = () => {} // the package warns about U+2028 in strings

function random (state) { // mulberry32: small, seeded, the same everywhere
  return n => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

const pieces = ['{', '}', '[', ']', ',', ':', '"', "'", '\\', '\\u', '\\x', '/', '*', '//', '/*', '*/', '\n', '\r', '\u2028', '-', '+', '.', 'e', '0', '1', '0x', 'Infinity', 'NaN',
  'null', 'true', 'a', '$', '\u200d', 'é', '\ud83d\ude00', '\ufeff', '\u00a0', '\u0000', 'D83D', 'DE00', '0041', '9'].map(s => Buffer.from(s))

function mutate (pick, bases) {
  let text = bases[pick(bases.length)]
  for (let n = 1 + pick(4); n > 0; n--) {
    const at = pick(text.length + 1), to = Math.min(text.length, at + pick(6))
    const other = bases[pick(bases.length)], from = pick(other.length + 1)
    const insert = [pieces[pick(pieces.length)], Buffer.alloc(0), Buffer.from([pick(256)]), other.subarray(from, from + pick(12)), text.subarray(at, to)][pick(5)]
    text = Buffer.concat([text.subarray(0, at), insert, text.subarray(pick(2) ? at : to)])
  }
  return text
}

function depth (value) {
  return value !== null && typeof value === 'object' ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0
}

function wellFormed (value) {
  if (typeof value === 'string') return value.isWellFormed()
  if (value === null || typeof value !== 'object') return true
  return Object.entries(value).every(([k, v]) => k.isWellFormed() && wellFormed(v))
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** What the package makes of it: {value} or {error}; our stricter rules (UTF-8, surrogates, depth) applied to its result. */
function reference (bytes) {
  try {
    const value = JSON5.parse(utf8.decode(bytes))
    if (!wellFormed(value)) return { error: 'half of a surrogate pair' }
    return depth(value) > DEPTH_MAX ? { error: 'too deep' } : { value }
  } catch (e) {
    return { error: e.message }
  }
}

function same (a, b) {
  if (b !== null && typeof b === 'object' && b.$nan === true) return Number.isNaN(a)
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return Object.is(a, b)
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every(k => Object.hasOwn(b, k) && same(a[k], b[k]))
}

const pick = random(Number(seed))
const fixed = cases.map(c => Buffer.from(c))
const texts = [...fixed]
for (let i = 0; i < Number(mutations); i++) texts.push(mutate(pick, fixed))

const input = Buffer.concat(texts.flatMap(t => [Buffer.from(`${t.length}\n`), t]))
const run = spawnSync(dump, { input, maxBuffer: 1 << 30 })
if (run.status !== 0) throw new Error(`${dump} ended with ${run.status ?? run.signal}: ${run.stderr}`)
const lines = run.stdout.toString('utf8').split('\n')

let valid = 0, differences = 0
texts.forEach((text, i) => {
  const theirs = reference(text)
  const refused = lines[i].startsWith('error ')
  const agree = refused ? 'error' in theirs : 'value' in theirs && same(theirs.value, JSON.parse(lines[i]))
  valid += 'value' in theirs
  if (agree || ++differences > 20) return
  console.error(`text ${i}: ${JSON.stringify(text.toString('latin1'))}\n  package: ${theirs.error ?? JSON5.stringify(theirs.value)}\n  ours:    ${lines[i]}`)
})
console.log(`seed ${seed}: ${texts.length} texts (${fixed.length} written by hand), ${valid} of them valid, ${differences} differences`)
process.exit(differences || lines.length !== texts.length + 1 ? 1 : 0)
