// Every page in both colours and two widths: looked at by axe-core, checked for sideways scrolling, and pictured.
// ONLY is a pattern for the names of some of them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { addWorker, launch, must, setUp, start, step, upload, url, watched } from './browser.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const folder = process.env.PICTURES;
const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 390, height: 844 };
const browser = await launch();
let found = 0;
let looked = 0;

async function fill(page) {
  await setUp(page);
  await addWorker(page);
  await upload(page);
  await page.getByRole('tab', { name: 'Versions' }).click();
  await step(page, 'Publish');
  await step(page, 'Enable');
  await page.getByRole('tab', { name: 'Diagram' }).click();
  const instances = [];
  for (const amount of [10, 'ten', 'twelve', 5000]) instances.push(await start(page, { amount, customer: 'C-17' }));
  await page.locator('.diagram .count.trash').getByText('2', { exact: true }).waitFor();
  await page.locator('.diagram .count.tasks').getByText('1', { exact: true }).waitFor();
  const trash = (await (await page.request.get(`${url}/api/v1/trash`)).json()).items[0].id;
  const first = await (await page.request.get(`${url}/api/v1${instances[0].replace('/instance/', '/instances/')}`)).json();
  const message = first.steps[0].message;
  const service = (await (await page.request.get(`${url}/api/v1/control-services`)).json()).items[0].id;
  const line = (await (await page.request.get(`${url}/api/v1/logs`)).json()).items[0].seq;
  return [
    ['home', '/'],
    ['processes', '/processes'],
    ['process-diagram', '/process/orders?node=Task_Check'],
    ['process-instances', '/process/orders?tab=instances'],
    ['process-test', '/process/orders?test=1&heat=time&show=queue,rate,time,test'],
    ['process-statistics', '/process/orders?tab=statistics'],
    ['process-logs', '/process/orders?tab=logs'],
    ['process-settings', '/process/orders?tab=settings'],
    ['process-queues', '/process/orders?tab=queues'],
    ['process-versions', '/process/orders?tab=versions'],
    ['instances', '/instances'],
    ['instance', instances[0]],
    ['instance-waterfall', `${instances[0]}?tab=waterfall`],
    ['instance-message', `${instances[0]}?tab=waterfall&message=${message}`],
    ['instances-search', '/instances?match=body.customer%3DC-17'],
    ['instance-steps', `${instances[0]}?tab=steps`],
    ['trash', '/trash'],
    ['trash-message', `/trash?id=${trash}`],
    ['tasks', '/tasks'],
    ['schedules', '/schedules'],
    ['workers', '/workers?name=office'],
    ['applications', '/applications'],
    ['webhooks', '/hooks'],
    ['notices', '/notices'],
    ['notice-rules', '/notices?tab=rules'],
    ['notice-senders', '/notices?tab=senders'],
    ['limits', '/limits'],
    ['services', `/services?id=${service}`],
    ['health', '/health'],
    ['activity', '/activity'],
    ['settings', '/settings'],
    ['help', '/help'],
    ['help-page', '/help/sdk'],
    ['logs', '/logs?text=booked&follow=1'],
    ['logs-around', `/logs?line=${line}&around=all`],
    ['statistics', '/statistics'],
    ['audit', '/audit'],
    ['tokens', '/tokens'],
    ['users', '/users'],
    ['account', '/account'],
    ['not-found', '/account/nothing'],
  ];
}

async function settle(page) {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[role=status][aria-label=Loading]'));
  await page.waitForFunction(() => [...document.querySelectorAll('.diagram')].every((each) => each.dataset.ready === 'true'));
  await page.evaluate(() => Promise.all(document.getAnimations().map((each) => each.finished.catch(() => undefined))));
}

function fault(text) {
  found += 1;
  console.error(text);
}

async function sideways(page, name, width) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) fault(`${name} ${width}: scrolls sideways by ${wide} px`);
}

/** Axe's rules, or those of `only`: all but the contrasts find the same in every colour. */
async function axed(page, name, colour, only) {
  // bpmn-js draws what it draws; the list of nodes beside it is the way for those who do not see it.
  const result = await page.evaluate(
    `${axe}; axe.run({ exclude: [['.djs-container']] }, ${JSON.stringify(only ? { runOnly: only } : {})})`,
  );
  for (const each of result.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')) {
    fault(`${name} ${colour}: ${each.id} (${each.impact}): ${each.nodes.slice(0, 3).map((node) => node.html.slice(0, 220)).join('\n    ')}`);
    console.error(`    ${each.nodes[0].failureSummary}`);
  }
}

async function inColour(page, colour) {
  await page.emulateMedia({ colorScheme: colour, reducedMotion: 'reduce' });
  await page.waitForFunction((wanted) => document.documentElement.dataset.mantineColorScheme === wanted, colour);
  await settle(page);
  looked += 1;
}

async function picture(page, name) {
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

/** A page is loaded once; its colours and its width are changed under it, as the system and a hand at the window do. */
async function look(page, name, path) {
  await page.setViewportSize(WIDE);
  await page.goto(url + path);
  await inColour(page, 'light');
  await sideways(page, name, WIDE.width);
  await axed(page, name, 'light');
  await picture(page, `${name}-${WIDE.width}-light`);
  await inColour(page, 'dark');
  await axed(page, name, 'dark', ['color-contrast']);
  await picture(page, `${name}-${WIDE.width}-dark`);
  await page.setViewportSize(NARROW);
  await inColour(page, 'light');
  await sideways(page, name, NARROW.width);
  await picture(page, `${name}-${NARROW.width}-light`);
  if (!folder) return;
  await inColour(page, 'dark');
  await picture(page, `${name}-${NARROW.width}-dark`);
}

try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  const { page, faults } = await watched(context);
  const pages = await fill(page);
  // A colour half way between two is no colour of the page.
  await page.addInitScript(() => {
    const still = new CSSStyleSheet();
    still.replaceSync('*, *::before, *::after { transition: none !important; animation: none !important }');
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, still];
  });
  const only = new RegExp(process.env.ONLY ?? '');
  for (const [name, path] of pages.filter(([each]) => only.test(each))) await look(page, name, path);
  await context.clearCookies();
  if (only.test('sign-in')) await look(page, 'sign-in', '/sign-in');
  must(faults.length === 0, `faults of the pages:\n${faults.join('\n')}`);
  console.log(`looked at ${looked} views`);
  process.exitCode = found ? 1 : 0;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}
