// A fresh Chromium that talks to nobody but the server under test, and what all scripts do with it.
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const url = process.env.SEGUE_URL;
export const EMAIL = 'ann@example.org';
export const PASSWORD = 'correct horse battery';

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: FLAGS });
}

/** A page that notes every fault: errors of scripts, refusals by the policy, requests to third parties. */
export async function watched(context, { tour = false } = {}) {
  // The tour has a test of its own and is in the way everywhere else.
  if (!tour) await context.addInitScript(() => localStorage.setItem('segue.tour', '1'));
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(`script: ${error.message}`));
  page.on('console', (message) => {
    // The browser itself logs every 4xx; those are shown to the person and not faults of the page.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const target = request.url();
    if (!target.startsWith(url) && !target.startsWith('data:') && !target.startsWith('blob:')) faults.push(`third party: ${target}`);
  });
  return { page, faults };
}

export function must(condition, text) {
  if (!condition) throw new Error(text);
}

/** The first administrator by the one-time link. */
export async function setUp(page) {
  await page.goto(process.env.FIRST_LINK);
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create and sign in' }).click();
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
}

export async function addWorker(page) {
  await page.goto(`${url}/workers`);
  await page.getByRole('button', { name: 'Add a worker' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('office');
  await dialog.getByLabel('Address').fill(process.env.WORKER_URL);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Answers').first().waitFor();
}

export async function upload(page, process_ = 'orders') {
  await page.goto(`${url}/processes`);
  await page.locator('input[type=file]').setInputFiles(process.env.ORDERS_FILE);
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Process', { exact: false }).first().fill(process_);
  await dialog.getByLabel('Note').fill('from the first drawing');
  await dialog.getByRole('button', { name: 'Make the draft' }).click();
  await dialog.getByText('is a draft now').waitFor();
  await dialog.getByRole('link', { name: 'Open the process' }).click();
}

export async function step(page, name) {
  await page.getByRole('button', { name, exact: true }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name, exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
}

export async function start(page, body) {
  await page.getByRole('button', { name: 'Start', exact: true }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Body').fill(JSON.stringify(body));
  await dialog.getByRole('button', { name: 'Start', exact: true }).click();
  await dialog.getByRole('link', { name: 'Open the instance' }).waitFor();
  const href = await dialog.getByRole('link', { name: 'Open the instance' }).getAttribute('href');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  return href;
}
