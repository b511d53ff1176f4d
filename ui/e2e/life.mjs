// The life of a process in the browser: first administrator, worker, import, publish, enable, start, watch, fail, correct,
// send back, decide a user task; then what must not work: markup in bodies, a page of somebody else, a signed-out page.
import { readFileSync } from 'node:fs';

import { addWorker, EMAIL, launch, must, PASSWORD, setUp, start, step, upload, url, watched } from './browser.mjs';

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
const { page, faults } = await watched(context);
const told = (text) => console.log(`ok: ${text}`);

/** A file whose labels are markup, shown in every place that shows labels. */
/** Three fail, two of them are chosen and fail again; then all of the cause are corrected. Two wait and are accepted. */
async function manyAtOnce(page) {
  await page.goto(`${url}/process/orders`);
  for (const amount of ['a', 'a', 'a']) await start(page, { amount });
  await page.locator('.diagram .count.trash').getByText('3', { exact: true }).waitFor();
  await page.goto(`${url}/processes`);
  await page.getByRole('link', { name: '3 in trash' }).click();
  await page.getByRole('checkbox', { name: /^Choose 0/ }).nth(0).check();
  await page.getByRole('checkbox', { name: /^Choose 0/ }).nth(1).check();
  await page.getByText('2 chosen').waitFor();
  await page.getByRole('button', { name: 'Send back', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Send back', exact: true }).click();
  await page.getByText('Sent back · 2 of 2 messages').waitFor();
  await page.getByLabel('Search in reasons').fill('no such reason');
  await page.keyboard.press('Enter');
  await page.getByText('Nothing fits the filter').waitFor();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await page.getByText(/^3 · orders v1 · Check amount/).waitFor();
  await page.getByRole('button', { name: 'Send all back' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('3 messages of orders that failed at Check amount').waitFor();
  await dialog.getByLabel('Correct all of them first').fill('[1]');
  await dialog.getByText('It has to be a JSON object.').waitFor();
  await dialog.getByLabel('Correct all of them first').fill('{"amount": 4000}');
  await dialog.getByRole('button', { name: 'Send all back' }).click();
  await page.getByText('Nothing is in trash').waitFor();
  await page.goto(`${url}/`);
  await page.getByRole('link', { name: 'orders v1 · Approve' }).click();
  await page.getByText('3 · orders v1 · Approve').waitFor();
  await page.getByRole('button', { name: 'Accept all' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Accept all' }).click();
  await page.getByText(/No user task is open|Nothing fits the filter/).waitFor();
}

async function nasty(page) {
  const markup = '&lt;img src=x onerror=&quot;window.stolen=1&quot;&gt;';
  const file = readFileSync(process.env.ORDERS_FILE, 'utf8').replace('name="Check amount"', `name="${markup}"`).replace('name="Order came"', `name="${markup}"`);
  const { csrf } = await (await page.request.get(`${url}/api/v1/session`)).json();
  const headers = { 'X-CSRF-Token': csrf };
  await page.request.post(`${url}/api/v1/processes`, { headers, data: { name: 'nasty', folder: '<img src=x onerror="window.stolen=1">' } });
  const put = await page.request.put(`${url}/api/v1/processes/nasty/draft?note=${encodeURIComponent('<script>window.stolen=1</script>')}`, {
    headers: { ...headers, 'Content-Type': 'application/xml' },
    data: file,
  });
  must(put.ok(), `the file with markup was refused: ${await put.text()}`);
  for (const path of ['/process/nasty?node=Task_Check&show=queue,rate', '/process/nasty?tab=versions', '/processes', '/logs', '/activity', '/']) {
    await page.goto(url + path);
    await page.locator('h1').first().waitFor();
    await page.waitForFunction(() => !document.querySelector('[role=status][aria-label=Loading]'));
    await page.waitForFunction(() => [...document.querySelectorAll('.diagram')].every((each) => each.dataset.ready === 'true'));
    must(!(await page.evaluate(() => 'stolen' in window)), `markup was run on ${path}`);
  }
}

/** Lines are searched, followed as they are written, and read with those around them. */
async function logs(page) {
  await page.goto(`${url}/logs`);
  await page.getByLabel('Search in the text').fill('BOOKED');
  await page.keyboard.press('Enter');
  const rows = page.getByRole('region', { name: 'Logs' }).getByRole('row');
  await rows.nth(1).locator('mark').getByText('booked').waitFor();
  await rows.filter({ hasText: 'is no number' }).first().waitFor({ state: 'detached' });
  await page.getByRole('switch', { name: 'Follow' }).click({ force: true });
  await page.getByText('Following: new lines come first').waitFor();
  await page.locator('#content').getByText('Live', { exact: true }).waitFor();
  const before = await rows.nth(1).textContent();
  // From here on lines come by the stream alone.
  await page.route('**/api/v1/logs?*', (route) => route.abort());
  const { csrf } = await (await page.request.get(`${url}/api/v1/session`)).json();
  const started = await page.request.post(`${url}/processes/orders/start`, { headers: { 'X-CSRF-Token': csrf }, data: { amount: 3 } });
  const { instance } = await started.json();
  await rows.filter({ has: page.locator(`a[href="/instance/${instance}"]`) }).first().waitFor();
  must((await rows.nth(1).textContent()) !== before, 'the newest line is not the first');
  await page.unroute('**/api/v1/logs?*');
  await rows.nth(1).getByRole('button', { name: 'Around it' }).click();
  await page.getByRole('dialog').locator('[aria-current=true]').getByText('booked').waitFor();
}

try {
  await setUp(page);
  told('the first administrator is made and signed in');
  await addWorker(page);
  told('the worker is added and answers');

  await upload(page);
  await page.locator('.diagram[data-ready=true] .djs-shape').first().waitFor();
  told('the file is a draft and drawn');
  await page.getByRole('tab', { name: 'Versions' }).click();
  await step(page, 'Publish');
  await step(page, 'Enable');
  await page.getByText('Enabled', { exact: true }).first().waitFor();
  told('it is published and enabled');

  await page.getByRole('tab', { name: 'Diagram' }).click();
  const good = await start(page, { amount: 10 });
  await page.goto(url + good);
  await page.getByText('Finished', { exact: true }).first().waitFor();
  await page.getByRole('tab', { name: 'Steps' }).click();
  await page.getByRole('cell', { name: 'Book order' }).waitFor();
  told('a started instance finishes, seen without reloading');

  await page.goto(`${url}/process/orders`);
  const attack = '<img src=x onerror="window.stolen=1">';
  const bad = await start(page, { amount: attack });
  await page.locator('.diagram .count.trash').getByText('1', { exact: true }).waitFor();
  told('a failure shows on the diagram live');
  must(!(await page.evaluate(() => 'stolen' in window)), 'markup of a body was run');

  await page.goto(`${url}/trash`);
  await page.getByRole('button', { name: 'Open', exact: true }).first().click();
  const drawer = page.getByRole('dialog');
  await drawer.getByText('is no number').waitFor();
  must(!(await page.evaluate(() => 'stolen' in window)), 'markup of a body was run');
  await drawer.getByLabel('Body').fill('{"amount": 2000}');
  await drawer.getByRole('region', { name: 'What you change' }).getByText('+   "amount": 2000').waitFor();
  await drawer.getByRole('button', { name: 'Save and send back' }).click();
  await page.getByText('Nothing is in trash').waitFor();
  told('it is corrected and sent back');

  await page.goto(`${url}/tasks`);
  await page.getByRole('button', { name: 'Open', exact: true }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Accept' }).click();
  await page.getByText('No user task is open').waitFor();
  await page.goto(url + bad);
  await page.getByText('Finished', { exact: true }).first().waitFor();
  told('the user task is accepted and the instance finishes');

  await manyAtOnce(page);
  told('many are chosen, corrected and sent back at once, and all of a task accepted; numbers are those of all');

  await page.goto(`${url}/instances`);
  await page.getByLabel('Search what messages hold').fill('body.amount=2000');
  await page.keyboard.press('Enter');
  const found = page.getByRole('region', { name: 'Instances' }).getByRole('link');
  await found.first().waitFor();
  must((await found.count()) === 1 && (await found.first().getAttribute('href')) === bad, 'the search found something else');
  await found.first().click();
  told('the instance is found by what its message holds');

  await page.getByRole('tab', { name: 'Waterfall' }).click();
  await page.getByRole('button', { name: /^Book order/ }).click();
  const hop = page.getByRole('dialog', { name: 'Message at Book order' });
  await hop.getByText('"amount": 2000').first().waitFor();
  await hop.getByRole('button', { name: 'Run again from here' }).click();
  const again = page.getByRole('dialog', { name: 'Run again from Book order' });
  await again.getByLabel('Body').fill('{"amount": 7}');
  await again.getByRole('button', { name: 'Run again from here' }).click();
  await again.getByRole('link', { name: 'Open the instance' }).click();
  await page.getByText('Sent on from instance').waitFor();
  await page.getByText('Finished', { exact: true }).first().waitFor();
  told('each hop shows what came in; a new instance runs from it with another body');

  await page.goto(`${url}/process/orders?tab=statistics`);
  await page.getByRole('cell', { name: 'Book order' }).waitFor();
  await page.goto(`${url}/process/orders`);
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await page.getByText('Every worker and action answers.').waitFor();
  told('statistics count the steps, and the test of the version finds every action');

  await logs(page);
  told('log lines are searched, followed, and read with those around them');

  await nasty(page);
  told('markup in labels, names and log lines is text');

  await page.goto(`${url}/activity`);
  await page.getByRole('cell', { name: 'resend instance' }).first().waitFor();
  told('the activity log says who did it');

  await page.goto(`${url}/audit`);
  await page.getByText('The ledger balances').waitFor();
  told('the ledger balances');

  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search' }).fill('orders');
  await page.getByRole('option', { name: /orders/ }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'orders', level: 1 }).waitFor();
  told('the palette leads to the process by keyboard');

  await page.goto(`${url}/process/nothing`);
  await page.getByText('Error code process-not-found').waitFor();
  told("an error shows the server's reason and code");

  await page.goto(`${url}/`);
  await page.getByRole('button', { name: EMAIL }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  must((await page.request.get(`${url}/api/v1/processes`)).status() === 401, 'the session lives on after signing out');
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByRole('textbox', { name: 'Password' }).fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Error code sign-in-failed').waitFor();
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
  told('signing out ends the session; a wrong password is refused, the right one is not');
  must(faults.length === 0, `faults of the pages:\n${faults.join('\n')}`);
  told('no script failed, the policy refused nothing, no third party was asked');
} catch (error) {
  if (process.env.PICTURE) await page.screenshot({ path: process.env.PICTURE }).catch(() => undefined);
  console.error(`${error.message}\nat ${page.url()}\n${faults.join('\n')}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
