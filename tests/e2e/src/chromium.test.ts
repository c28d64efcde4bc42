import { chromium } from 'playwright-core';
import { expect, it } from 'vitest';

it('Chromium starts and runs a page', async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await browser.newPage();
    expect(await page.evaluate(() => 6 * 7)).toBe(42);
  } finally {
    await browser.close();
  }
});
