import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from './stage.js';
import { PHONE } from './visitor.js';

describe('conversations in real browsers', () => {
  const stage = new Stage();
  const arrive: Stage['arrive'] = (name, options) => stage.arrive(name, options);
  beforeAll(() => stage.open());
  afterEach(() => stage.clear());
  afterAll(() => stage.close());

  it('two write to each other: badges count what is unread, reading takes them away on every device, and ticks say how far it came', async () => {
    const ann = await arrive('Ann');
    const bob = await arrive('Bob', { viewport: PHONE });
    const tab = await bob.another(stage.server.page);
    await ann.openTalk('Bob');
    for (const text of ['one', 'two', 'three']) await ann.write(text);
    await ann.waitForTick('three', 'delivered');
    for (const device of [bob, tab]) await device.page.locator('.round .badge', { hasText: '3' }).waitFor();

    await bob.openMessages();
    expect(await bob.row('Ann').locator('.count').textContent()).toBe('3');
    await bob.row('Ann').click();
    await bob.message('three').waitFor();
    expect(await bob.page.locator('.message').allInnerTexts()).toHaveLength(3);
    await ann.waitForTick('three', 'read');
    for (const device of [bob, tab]) await device.page.locator('.round .badge').waitFor({ state: 'hidden' });

    await tab.openMessages();
    await tab.row('Ann').click();
    await bob.write('four');
    await tab.message('four').waitFor();
    await ann.message('four').waitFor();
    expect(await tab.page.locator('.message').count()).toBe(4);
  });

  it('a group is created, written to, and joined by who is invited later', async () => {
    const carl = await arrive('Carl');
    const dora = await arrive('Dora', { viewport: PHONE });
    await carl.openMessages();
    await carl.page.getByRole('button', { name: 'New group' }).click();
    await carl.page.getByLabel('Name of the group').fill('Hikers');
    await carl.page.locator('label.person', { hasText: 'Dora' }).click();
    await carl.page.getByRole('button', { name: 'Create' }).click();
    await carl.page.locator('.talk-note', { hasText: 'created the group' }).waitFor();
    await carl.write('Sunday?');
    await dora.openMessages();
    await dora.row('Hikers').click();
    await dora.message('Sunday?').waitFor();
    await dora.write('Sunday!');
    await carl.message('Sunday!').waitFor();

    const eve = await arrive('Eve');
    await carl.page.getByRole('button', { name: 'People' }).click();
    await carl.page.getByRole('button', { name: 'Invite' }).click();
    await carl.page.locator('label.person', { hasText: 'Eve' }).click();
    await carl.page.locator('form.choose').getByRole('button', { name: 'Invite' }).click();
    await carl.page.locator('.group-person', { hasText: 'Eve' }).waitFor();
    await eve.openMessages();
    await eve.row('Hikers').click();
    await carl.back();
    await carl.write('welcome, Eve');
    await eve.message('welcome, Eve').waitFor();
    await dora.message('welcome, Eve').waitFor();
    expect(await eve.message('Sunday?').count()).toBe(0);

    await carl.page.getByRole('button', { name: 'People' }).click();
    await carl.page.getByRole('button', { name: 'Remove Dora' }).click();
    await dora.page.locator('.talk .empty', { hasText: 'not in this conversation any longer' }).waitFor();
  });

  it('what is taken back is gone for everybody, what is deleted only for oneself, and what is muted counts no longer', async () => {
    const fay = await arrive('Fay');
    const gil = await arrive('Gil');
    await fay.openTalk('Gil');
    await gil.openTalk('Fay');
    for (const text of ['oops', 'keep this']) await fay.write(text);
    await gil.message('keep this').waitFor();
    await fay.message('oops').locator('.bubble').click();
    await fay.page.getByRole('button', { name: 'Take back' }).click();
    await gil.message('Taken back').waitFor();
    expect(await gil.message('oops').count()).toBe(0);
    await gil.message('keep this').locator('.bubble').click();
    await gil.page.getByRole('button', { name: 'Delete for me' }).click();
    await gil.message('keep this').waitFor({ state: 'detached' });
    expect(await fay.message('keep this').count()).toBe(1);

    await gil.page.getByRole('button', { name: 'Mute' }).click();
    await gil.page.getByRole('button', { name: 'Unmute' }).waitFor();
    await gil.back();
    await fay.write('hello?');
    await gil.row('Fay').locator('.count.muted', { hasText: '1' }).waitFor();
    expect(await gil.page.locator('.round .badge').isVisible()).toBe(false);
  });

  it('history comes as one scrolls up, and what was written while the connection was cut is sent by itself', async () => {
    const hal = await arrive('Hal');
    const ida = await arrive('Ida', { viewport: PHONE });
    await hal.openTalk('Ida');
    // As fast as one person may.
    for (let n = 1; n <= 55; n++) await hal.write(`message ${n}.`);
    await hal.waitForTick('message 55.', 'sent');
    await ida.openMessages();
    await ida.row('Hal').click();
    await ida.message('message 55.').waitFor();
    expect(await ida.message('message 5.').count()).toBe(0);
    await ida.page.locator('.talk-body').evaluate((body) => body.scrollTo(0, 0));
    await ida.message('message 1.').waitFor();
    expect(await ida.page.locator('.message').count()).toBe(55);
    await ida.page.locator('.sheet .new-below').waitFor({ state: 'hidden' });
    await hal.write('message 56.');
    await ida.page.getByRole('button', { name: 'New messages' }).click();
    await ida.message('message 56.').waitFor();

    await ida.page.keyboard.press('Escape');
    await ida.page.locator('.status').click();
    await ida.page.getByRole('button', { name: 'Cut it for 10 s' }).click();
    await ida.page.keyboard.press('Escape');
    await ida.waitForState('waiting');
    await ida.openMessages();
    await ida.row('Hal').click();
    await ida.write('from afar');
    await ida.waitForTick('from afar', 'sending');
    await hal.write('while you were away');
    await ida.waitForTick('from afar', 'sent');
    await ida.message('while you were away').waitFor();
    await hal.message('from afar').waitFor();
    expect(await ida.message('from afar').count()).toBe(1);
  });
});
