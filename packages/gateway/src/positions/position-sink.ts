/** Where a gateway tells how far devices have read: the interface. What it is good for is for whoever is told to know. */

/** A device has read the log of a group so far (PR-141). Groups as on the bus. */
export interface DevicePosition {
  /** `u:<user>`, under its product where there is one. */
  readonly userGroup: string;
  readonly device: string;
  readonly group: string;
  readonly epoch: string;
  readonly version: number;
}

export interface PositionSink {
  /** Of groups of which kinds it is told: `['u', 'g']`. */
  readonly kinds: readonly string[];
  /**
   * At most 500, of each device and group the latest; positions of before may come again.
   * @throws ImError where `retryable`, they are told again
   */
  moved(positions: readonly DevicePosition[]): Promise<void>;
}
