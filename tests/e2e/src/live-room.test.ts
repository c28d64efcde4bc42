import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Stage } from './stage.js';
import { PHONE } from './visitor.js';

describe('a live room in real browsers', () => {
  const stage = new Stage();
  const arrive: Stage['arrive'] = (name, options) => stage.arrive(name, options);
  beforeAll(() => stage.open());
  afterEach(() => stage.clear());
  afterAll(() => stage.close());

  it('two people in one room see each other’s chat and gifts, on phone and desktop', async () => {
    const ann = await arrive('Ann');
    const bob = await arrive('Bob', { viewport: PHONE });
    await ann.say('hello from the desktop');
    await bob.line('hello from the desktop').waitFor();
    await bob.say('hello from the phone');
    await ann.line('hello from the phone').waitFor();
    await bob.sendGift('Rocket');
    await ann.giftBanner.waitFor();
    await ann.line('Rocket').waitFor();
    await bob.line('Rocket').waitFor();
  });

  it('a visitor sees who is there', async () => {
    const ann = await arrive('Ann');
    await arrive('Bob');
    await ann.page.getByRole('button', { name: 'Audience' }).click();
    await ann.page.locator('.sheet .person', { hasText: 'Bob' }).waitFor();
  });

  it('text that looks like markup is shown as text', async () => {
    const ann = await arrive('Ann');
    await ann.say('<img src=x onerror=alert(1)> & "quotes"');
    await ann.line('<img src=x onerror=alert(1)> & "quotes"').waitFor();
    expect(await ann.page.locator('.chat img').count()).toBe(0);
  });

  it('a private message to a person who is offline is there when that person returns', async () => {
    const offline = await arrive('Dora');
    await offline.leave();
    const carl = await arrive('Carl');
    const dora = await arrive('Dora');
    await carl.openTalk('Dora');
    await dora.leave();
    await carl.write('see you tomorrow');
    await carl.message('see you tomorrow').waitFor();

    const back = await arrive('Dora');
    await back.openMessages();
    await back.row('Carl').click();
    await back.message('see you tomorrow').waitFor();
    expect(await back.message('see you tomorrow').count()).toBe(1);
  });

  it('a cut connection comes back by itself with the gifts of the meantime, each once', async () => {
    const ann = await arrive('Ann');
    const bob = await arrive('Bob');
    await ann.page.locator('.status').click();
    await ann.page.getByRole('button', { name: 'Cut it for 10 s' }).click();
    await ann.page.keyboard.press('Escape');
    await ann.waitForState('waiting');
    await bob.sendGift('Castle');
    await bob.line('Castle').waitFor();
    expect(await ann.line('Castle').count()).toBe(0);
    await ann.waitForState('connected');
    await ann.line('Castle').waitFor();
    await ann.line('No gift was missed').waitFor();
    expect(await ann.line('Castle').count()).toBe(1);
  });

  it('when the server is killed while gifts are sent, both pages carry on by themselves', async () => {
    const ann = await arrive('Ann');
    const bob = await arrive('Bob');
    const before = stage.server.serverPid;
    await ann.sendGift('Rose');
    await bob.line('Rose').waitFor();

    // Sent into the dying server: repeated by its key after the reconnect.
    const sent = ann.sendGift('Heart');
    process.kill(before, 'SIGKILL');
    await sent;
    await Promise.all([ann, bob].map((visitor) => visitor.line('Back in the room').first().waitFor()));
    await bob.line('Heart').waitFor();
    await ann.say('we are back');
    await bob.line('we are back').waitFor();
    await bob.sendGift('Cake');
    await ann.line('Cake').waitFor();
    expect(await bob.line('Heart').count()).toBe(1);
    expect(stage.server.serverPid).not.toBe(before);
  });
});
