// The editor and the comparison in both colours and two widths: looked at by axe-core, checked for sideways scrolling,
// and pictured when PICTURES names a folder. Needs what editor.mjs has made.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { EMAIL, launch, must, PASSWORD, url, watched } from './browser.mjs';
import { drawn } from './editing.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = process.env.PICTURES;
const browser = await launch();
let found = 0;
let looked = 0;

const choose = (name) => (page) => page.locator('.djs-element[data-element-id]', { hasText: name }).first().click();
const VIEWS = [
  ['editor', '/process/elsewhere/edit?version=2', async () => undefined],
  ['editor-action', '/process/elsewhere/edit?version=2', choose('Task 2')],
  ['editor-conditions', '/process/elsewhere/edit?version=2', choose('Split Flow')],
  [
    'editor-append',
    '/process/elsewhere/edit?version=2',
    async (page) => {
      await choose('Task 2')(page);
      await page.keyboard.press('a');
      await page.locator('.djs-popup input').waitFor();
    },
  ],
  ['editor-keys', '/process/elsewhere/edit?version=2', async (page) => page.getByRole('button', { name: 'Keys (?)' }).click()],
  ['versions', '/process/elsewhere?tab=versions', async (page) => page.locator('.segue-pair[data-ready=true]').waitFor()],
  [
    'versions-switch',
    '/process/elsewhere?tab=versions',
    async (page) => {
      await page.getByRole('button', { name: 'Switch to it' }).first().click();
      await page.getByRole('dialog').getByText('New starts go to').waitFor();
    },
  ],
];

async function check(page, name, width, colour) {
  await page.emulateMedia({ colorScheme: colour, reducedMotion: 'reduce' });
  await page.locator(`html[data-mantine-color-scheme=${colour}]`).waitFor();
  await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  await page.evaluate(() => Promise.all(document.getAnimations().map((each) => each.finished.catch(() => undefined))));
  looked += 1;
  // All rules but that of the contrasts find the same in every colour.
  const rules = colour === 'light' ? {} : { runOnly: ['color-contrast'] };
  const result = await page.evaluate(`${axe}; axe.run({ exclude: [['.djs-container']] }, ${JSON.stringify(rules)})`);
  for (const each of result.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')) {
    found += 1;
    console.error(`${name} ${colour} ${width}: ${each.id} (${each.impact}): ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 240)).join('\n    ')}`);
    console.error(`    ${each.nodes[0].failureSummary}`);
  }
  if (folder) await page.screenshot({ path: `${folder}/${name}-${width}-${colour}.png` });
}

async function look(page, [name, path, ready], width) {
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.goto(url + path);
  if (path.includes('/edit')) await drawn(page);
  await ready(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) {
    found += 1;
    console.error(`${name} ${width}: scrolls sideways by ${wide} px`);
  }
  for (const colour of ['light', 'dark']) await check(page, name, width, colour);
}

try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  const { page, faults } = await watched(context);
  await page.goto(`${url}/`);
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
  for (const [width, height] of [[1440, 900], [390, 844]]) {
    await page.setViewportSize({ width, height });
    // On a narrow screen the nodes lie too close for the mouse of a test; the list of nodes is the way there.
    for (const view of VIEWS.filter(([name]) => width > 400 || !/action|conditions|append/.test(name))) await look(page, view, width);
  }
  must(faults.length === 0, `faults of the pages:\n${faults.join('\n')}`);
  if (found === 0) console.log(`ok: looked at ${looked} views`);
  process.exitCode = found ? 1 : 0;
} catch (error) {
  console.error(`${error.message}\nat view ${looked + 1}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
