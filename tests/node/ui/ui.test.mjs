// A person in front of the Control UI: signs in, is approved, talks, stops, looks at every view. Started by run.sh.
// Needs GW_OPENCLAW, GW_FAKE_OPENAI, GW_CONFIG, GW_SHOTS.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { close, control, open, openclaw, startGateway, stopGateway, TOKEN } from "./house.mjs";

const SHOTS = process.env.GW_SHOTS ?? "shots";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const VIEWS = ["chat", "agents", "sessions", "channels", "devices", "cron", "skills", "config", "logs", "bus"];
const DESK = { viewport: { width: 1280, height: 860 } };
const PHONE = { viewport: { width: 390, height: 800 }, hasTouch: true };
const WAIT = { timeout: 15_000 };
const DOWN = /WebSocket connection|ERR_CONNECTION_REFUSED/; // what the browser itself says while the gateway is away
let browser, house, desk;
const complaints = [];

/** A person with a browser of their own: nothing is shared with the others. */
async function person(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT.timeout);
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.stack}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !DOWN.test(message.text())) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && ![house.near, house.far].includes(url.origin)) complaints.push(`${page.url()} asked for ${url}`);
  });
  return page;
}

async function shot(page, name) {
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

async function say(page, text) {
  await page.fill(".composer-text", text);
  await page.press(".composer-text", "Enter");
}

/** On a touch screen Enter begins a new line. */
async function sayByTouch(page, text) {
  await page.fill(".composer-text", text);
  await page.tap(".composer button:has-text('Send')");
}

async function idle(page) {
  await page.waitForSelector(".working", { ...WAIT, state: "detached" });
}

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  house = await open();
  browser = await chromium.launch({
    executablePath: process.env.GW_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  desk = await person(DESK);
});

after(async () => {
  await browser?.close();
  await close();
});

test("a wrong token is refused in plain words, the right one lets in", async () => {
  await desk.goto(`${house.near}/`);
  await desk.waitForSelector(".signin");
  await desk.fill(".signin input[type=password]", "wrong");
  await desk.click(".signin button");
  await desk.waitForSelector("text=not the right token");
  await shot(desk, "wrong-token");
  await desk.fill(".signin input[type=password]", TOKEN);
  await desk.click(".signin button");
  await desk.waitForSelector(".composer");
  await desk.waitForSelector(".sidebar .dot-ok");
});

test("the next visit needs no token, and an address keeps none", async () => {
  await desk.reload();
  await desk.waitForSelector(".sidebar .dot-ok");
  await desk.goto(`${house.near}/#token=${TOKEN}`);
  await desk.waitForSelector(".sidebar .dot-ok");
  assert.equal(desk.url(), `${house.near}/#/chat`);
});

test("an answer streams in and stays", async () => {
  await control({ next: [{ text: "alpha **beta** gamma delta", deltas: 8, delay_ms: 200 }] });
  await say(desk, "what comes after alpha?");
  await desk.waitForSelector(".turn-user >> text=what comes after alpha?");
  await desk.waitForSelector(".turn-agent >> text=alpha");
  assert.equal(await desk.locator(".working").count(), 1, "it is shown before it is whole");
  await shot(desk, "streaming");
  await idle(desk);
  assert.equal(await desk.locator(".turn-agent strong").last().innerText(), "beta");
  await desk.reload();
  await desk.waitForSelector(".turn-agent >> text=gamma delta");
  assert.equal(await desk.locator(".turn-user >> text=what comes after alpha?").count(), 1);
  assert.doesNotMatch(await desk.innerText(".chat-column"), /untrusted metadata/);
});

test("a reload follows the answer that is on its way", async () => {
  await control({ next: [{ text: "one two three four five six seven eight", deltas: 8, delay_ms: 400 }] });
  await say(desk, "count");
  await desk.waitForSelector(".turn-agent >> text=one");
  await desk.reload();
  await desk.waitForSelector(".working");
  await desk.waitForSelector(".turn-agent >> text=seven eight");
  await idle(desk);
  assert.equal(await desk.locator(".turn-agent >> text=seven eight").count(), 1);
});

test("Escape stops an answer, and what was queued is answered after it", async () => {
  await control({ next: [{ text: "never whole", deltas: 2, hang: 1 }, { text: "second answer" }] });
  await say(desk, "go on for ever");
  await desk.waitForSelector(".turn-agent >> text=never");
  await say(desk, "and then this");
  await desk.waitForSelector(".turn-queued >> text=and then this");
  await shot(desk, "queued");
  await desk.keyboard.press("Escape");
  await desk.waitForSelector(".stopped");
  await desk.waitForSelector(".turn-agent >> text=second answer");
  await idle(desk);
});

test("when every model fails, the reason is there to read", async () => {
  await control({ default: { status: 500 } });
  await say(desk, "fail");
  await desk.waitForSelector(".chat-column .note-bad");
  await shot(desk, "failed");
  await control({ default: { echo: true } });
  await idle(desk);
});

test("every view can be used in light, in dark, and on a phone", async () => {
  const looks = { light: DESK, dark: { ...DESK, colorScheme: "dark" }, phone: { ...PHONE, colorScheme: "light" } };
  for (const [look, options] of Object.entries(looks)) {
    const page = await person({ ...options, bypassCSP: true }); // for axe, which is put into the page
    await page.goto(`${house.near}/#token=${TOKEN}`);
    await page.waitForSelector(".composer");
    for (const view of VIEWS) {
      await page.evaluate((name) => (location.hash = `#/${name}`), view);
      await page.waitForSelector(`.main[aria-label="${view[0].toUpperCase()}${view.slice(1)}"]`);
      await page.waitForFunction(() => !document.querySelector("main .loading"));
      assert.equal(await page.locator("main .note-bad").filter({ hasText: /unknown method|missing scope/ }).count(), 0, `${view}: a method was refused`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${look} ${view}: ${wide} pixels too wide`);
      await shot(page, `${look}-${view}`);
      await page.evaluate(AXE);
      const found = await page.evaluate(async () => (await globalThis.axe.run()).violations.map((v) => ({ id: v.id, impact: v.impact, html: v.nodes[0].html })));
      assert.deepEqual(found.filter((v) => ["serious", "critical"].includes(v.impact)), [], `${look} ${view}`);
    }
    await page.context().close();
  }
});

test("everything is reached with the keyboard", async () => {
  await desk.goto(`${house.near}/#/agents`);
  await desk.waitForSelector(".main[aria-label=Agents]");
  await desk.reload();
  await desk.waitForSelector(".agent-card");
  await desk.keyboard.press("Tab");
  assert.equal(await desk.evaluate(() => document.activeElement.className), "skip");
  await desk.keyboard.press("Enter");
  assert.equal(await desk.evaluate(() => document.activeElement.id), "main");
  await desk.goto(`${house.near}/#/chat`);
  await desk.focus(".title-button");
  await desk.keyboard.press("Enter");
  await desk.waitForSelector("dialog[open] .pick");
  await desk.keyboard.press("Escape");
  await desk.waitForSelector("dialog[open]", { state: "detached" });
  assert.equal(await desk.evaluate(() => document.activeElement.className), "title-button");
});

test("a browser from elsewhere is approved on the command line, and let out again", async () => {
  const far = await person(PHONE);
  await far.goto(`${house.far}/#token=${TOKEN}`);
  const command = await far.innerText(".command code");
  assert.match(command, /^openclaw devices approve [0-9a-f-]{36}$/);
  await shot(far, "pairing");
  const id = command.split(" ").pop();
  await desk.goto(`${house.near}/#/devices`);
  await desk.waitForSelector(`.card-waiting >> text=${id}`);
  await shot(desk, "device-waits");
  const { pending } = JSON.parse(await openclaw("devices", "list", "--json"));
  const device = pending.find((one) => one.requestId === id);
  await openclaw("devices", "approve", id);
  await far.waitForSelector(".composer");
  await desk.waitForSelector(".card-waiting", { state: "detached" });
  await sayByTouch(far, "hello from far away");
  await far.waitForSelector(".turn-agent >> text=hello from far away");
  await idle(far);
  await far.reload();
  await far.waitForSelector(".topbar .dot-ok");
  await openclaw("devices", "revoke", "--device", device.deviceId, "--role", "operator");
  await far.reload();
  await far.waitForSelector(".signin");
  await far.context().close();
});

test("a job is seen, run and switched off, and its runs are told", async () => {
  const added = JSON.parse(await openclaw("cron", "add", "--name", "Morning look", "--cron", "0 7 * * *", "--tz", "Asia/Ho_Chi_Minh", "--message", "look around", "--no-deliver", "--json"));
  await desk.goto(`${house.near}/#/cron`);
  const card = desk.locator(".card", { hasText: "Morning look" });
  await card.waitFor();
  assert.match(await card.innerText(), /0 7 \* \* \* \(Asia\/Ho_Chi_Minh\)/);
  await card.locator("button:has-text('Run now')").click();
  await card.locator("text=last run ok").waitFor();
  await card.locator("button:has-text('Its runs')").click();
  await card.locator(".run-list li").first().waitFor();
  assert.match(await card.locator(".run-list").innerText(), /ok/);
  await shot(desk, "cron-job");
  await card.locator("button:has-text('Switch off')").click();
  await card.locator("text=not planned").waitFor();
  await openclaw("cron", "rm", added.id);
  await card.waitFor({ state: "detached" });
});

test("a restart of the gateway loses neither the place nor what was typed", async () => {
  await desk.goto(`${house.near}/#/chat`);
  await desk.waitForSelector(".turn-agent");
  await desk.fill(".composer-text", "half a sen");
  await stopGateway();
  await desk.waitForSelector(".connection-slim");
  await shot(desk, "gateway-away");
  await startGateway();
  await desk.waitForSelector(".sidebar .dot-ok");
  assert.equal(await desk.inputValue(".composer-text"), "half a sen");
  await say(desk, "half a sentence");
  await desk.waitForSelector(".turn-agent >> text=half a sentence");
});

test("a configuration is checked and compared before it is written", async () => {
  await desk.goto(`${house.near}/#/config`);
  const area = desk.locator(".code-edit textarea");
  await area.waitFor();
  const text = await area.inputValue();
  await area.fill("{ agents: 5, ");
  await desk.click("button >> text=Validate");
  await desk.waitForSelector(".issues");
  await area.fill(`${text}\n// looked at\n`);
  await desk.click("text=Review and save");
  await desk.waitForSelector('.diff-in:has-text("looked at")');
  await shot(desk, "config-diff");
  await desk.keyboard.press("Escape");
  await desk.click("text=Undo changes");
});

test("no page complained, and none asked anybody but its gateway", () => {
  assert.deepEqual(complaints, []);
});
