/** Owns: which connections of one person stay, as the settings say it and as a gateway wants it. Pure. */
import type { DevicePolicy, GatewayOptions } from '@im/gateway';
import { policyOf, type ServerConfig } from '../settings.js';

/** The last word on a product, or on those that are not named, counts. */
export function devicePolicies({
  devices: given,
}: Pick<ServerConfig, 'devices'>): Pick<GatewayOptions, 'devices' | 'devicesByProduct'> {
  let devices: DevicePolicy = 'all';
  const devicesByProduct: Record<string, DevicePolicy> = {};
  for (const [product, policy] of given.map(policyOf)) {
    if (product === undefined) devices = policy;
    else devicesByProduct[product] = policy;
  }
  return { devices, devicesByProduct };
}
