/** The gifts that can be given. A business would read them from its own catalogue. */
export interface Gift {
  readonly gift: string;
  readonly title: string;
  readonly icon: string;
  /** Of one, in coins. */
  readonly value: number;
}

export const GIFTS: readonly Gift[] = [
  { gift: 'rose', title: 'Rose', icon: '🌹', value: 1 },
  { gift: 'heart', title: 'Heart', icon: '💖', value: 5 },
  { gift: 'cake', title: 'Cake', icon: '🎂', value: 20 },
  { gift: 'fireworks', title: 'Fireworks', icon: '🎆', value: 99 },
  { gift: 'rocket', title: 'Rocket', icon: '🚀', value: 520 },
  { gift: 'castle', title: 'Castle', icon: '🏰', value: 1_314 },
];
