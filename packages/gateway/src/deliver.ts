/** What becomes of a delivery: nearly all go to the members of their group here, some are orders to gateways. */
import type { Delivery } from '@im/protocol';
import { DEVICE_EVENT } from './devices/device-rule.js';
import { obeyKick } from './session/kick.js';
import { obeyTakeover, TAKEOVER_EVENT } from './session/takeover.js';
import type { Surroundings } from './surroundings.js';

export function deliver(delivery: Delivery, surroundings: Surroundings): void {
  if (delivery.lane === 'normal' && delivery.event === TAKEOVER_EVENT) {
    obeyTakeover(delivery, surroundings);
    return;
  }
  if (delivery.lane === 'normal' && delivery.event === DEVICE_EVENT) {
    surroundings.devices.obey(delivery);
    return;
  }
  surroundings.fanOut.publish(delivery);
  obeyKick(delivery, surroundings);
}
