// Opens a page of a server in a real browser, at widths and in colours that people have, and tells what they would see:
// one line of JSON a screen. Arguments: the address, the token, the browser's program.

import { chromium } from 'playwright-core';

const [address, token, executablePath] = process.argv.slice(2);
const SCREENS = [
  { width: 320, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
];

// Whatever hangs, this ends.
setTimeout(() => process.exit(124), 90_000).unref();

// What is asked of the page from outside: it runs no script of its own.
const seen = () => {
  const light = ([red, green, blue]) => {
    const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  };
  const colour = (text) => text.match(/[\d.]+/g).map(Number);
  const paper = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('body *')].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== ''));
  const faint = texts
    .map((element) => {
      const [ink, ground] = [light(colour(getComputedStyle(element).color)), light(paper(element))];
      const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
      return { text: element.textContent.trim().slice(0, 40), contrast };
    })
    .filter(({ contrast }) => contrast < 4.5);
  return {
    overflow: document.documentElement.scrollWidth - innerWidth,
    faint,
    texts: texts.length,
    headings: [...document.querySelectorAll('h1, h2')].map((heading) => heading.innerText),
    operations: document.querySelectorAll('details summary b').length,
  };
};

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const stranger = await browser.newContext();
  const refused = await (await stranger.newPage()).goto(`${address}/docs`).then((answer) => answer.status(), () => 401);
  for (const { width, colorScheme } of SCREENS) {
    const context = await browser.newContext({
      viewport: { width, height: 800 },
      colorScheme,
      httpCredentials: { username: 'x', password: token },
    });
    const page = await context.newPage();
    const complaints = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    const answer = await page.goto(`${address}/docs`);
    const told = await page.evaluate(seen);
    // A link of the index leads to what it names.
    await page.click('nav a[href="#showTree"]');
    await page.waitForFunction(() => {
      const { top } = document.querySelector('#showTree').getBoundingClientRect();
      return top >= 0 && top < innerHeight;
    });
    await page.click('a[href="/docs/errors/BTG0023"]');
    const error = await page.locator('h1').innerText();
    console.log(JSON.stringify({
      width, colorScheme, refused, status: answer.status(), complaints, error, ...told,
    }));
    await context.close();
  }
} finally {
  await browser.close();
}
