// How long the pages take until they can be used, on a store with a great deal in it. One JSON object a page.
import { launch, url } from './browser.mjs';

const BOUND_MS = 1500;
const PAGES = ['/', '/processes', '/process/p0500', '/process/p0500?tab=instances', '/process/p0500?tab=statistics', '/process/p0500?tab=trash', '/instances', '/instances?state=failed', '/instances?match=body.customer.id%3DC-77', '/trash', '/tasks', '/schedules', '/workers', '/services', '/logs', '/health', '/activity', '/users', '/settings'];

const browser = await launch();
let slow = 0;
try {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  await page.addInitScript(() => localStorage.setItem('segue.tour', '1'));
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('E-mail').fill(process.env.BENCH_EMAIL);
  await page.getByRole('textbox', { name: 'Password' }).fill(process.env.BENCH_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
  for (const path of PAGES) {
    const times = [];
    for (let round = 0; round < 3; round += 1) {
      const begin = performance.now();
      await page.goto(url + path, { waitUntil: 'commit' });
      await page.locator('h1').first().waitFor();
      await page.waitForFunction(() => !document.querySelector('[role=status][aria-label=Loading]'));
      await page.waitForFunction(() => [...document.querySelectorAll('.diagram')].every((each) => each.dataset.ready === 'true'));
      times.push(performance.now() - begin);
    }
    const usable = times.sort((a, b) => a - b)[1];
    if (usable > BOUND_MS) slow += 1;
    console.log(JSON.stringify({ page: path, usable_ms: Math.round(usable), good: usable <= BOUND_MS }));
  }
} finally {
  await browser.close();
}
process.exitCode = slow ? 1 : 0;
