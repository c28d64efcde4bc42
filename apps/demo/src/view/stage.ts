/** The picture behind everything: slow light in place of a video, and the hearts that rise from likes. */
import { element } from './dom.js';

interface Heart {
  x: number;
  sway: number;
  born: number;
  hue: number;
  size: number;
}

const LIFE_MS = 2600;
const MOST_HEARTS = 60;
/** The light moves slowly: a few pictures a second do, and save a phone's battery; hearts get every frame. */
const IDLE_INTERVAL_MS = 100;

export class Stage {
  readonly root = element('div.stage');
  readonly #canvas = element('canvas', { 'aria-hidden': 'true' });
  readonly #hearts: Heart[] = [];
  #lastDrawn = 0;

  constructor() {
    this.root.append(this.#canvas);
    new ResizeObserver(() => this.#fit()).observe(this.root);
    requestAnimationFrame((now) => this.#frame(now));
  }

  /** Lets up to `count` hearts rise; more than fit at once are left out. */
  like(count: number): void {
    for (let n = Math.min(count, 6); n > 0 && this.#hearts.length < MOST_HEARTS; n--) {
      this.#hearts.push({
        x: 0.72 + Math.random() * 0.2,
        sway: Math.random() * Math.PI * 2,
        born: performance.now() + n * 90,
        hue: 325 + Math.random() * 55,
        size: 16 + Math.random() * 14,
      });
    }
  }

  #fit(): void {
    const ratio = Math.min(devicePixelRatio, 2);
    this.#canvas.width = Math.max(1, Math.round(this.root.clientWidth * ratio));
    this.#canvas.height = Math.max(1, Math.round(this.root.clientHeight * ratio));
    this.#lastDrawn = 0;
  }

  #frame(now: number): void {
    requestAnimationFrame((next) => this.#frame(next));
    if (this.#hearts.length === 0 && now - this.#lastDrawn < IDLE_INTERVAL_MS) return;
    this.#lastDrawn = now;
    const context = this.#canvas.getContext('2d');
    if (context) this.#draw(context, now);
  }

  #draw(context: CanvasRenderingContext2D, now: number): void {
    const { width, height } = this.#canvas;
    context.fillStyle = '#2a1440';
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = 'lighter';
    for (const [index, hue] of [318, 268, 212].entries()) {
      const turn = now / (9000 + index * 2300) + index * 2.1;
      const x = width * (0.5 + 0.34 * Math.cos(turn));
      const y = height * (0.38 + 0.22 * Math.sin(turn * 1.3));
      const light = context.createRadialGradient(x, y, 0, x, y, Math.max(width, height) * 0.55);
      light.addColorStop(0, `hsl(${hue} 80% 45% / 0.55)`);
      light.addColorStop(1, 'transparent');
      context.fillStyle = light;
      context.fillRect(0, 0, width, height);
    }
    context.globalCompositeOperation = 'source-over';
    this.#drawHost(context, width, height, now);
    this.#drawHearts(context, width, height, now);
  }

  #drawHost(context: CanvasRenderingContext2D, width: number, height: number, now: number): void {
    const unit = Math.min(width, height) / 5;
    const x = width / 2;
    const y = height * 0.36 + Math.sin(now / 900) * unit * 0.03;
    context.fillStyle = '#170b26b8';
    context.beginPath();
    context.arc(x, y, unit * 0.62, 0, Math.PI * 2);
    context.fill();
    context.beginPath();
    context.ellipse(x, y + unit * 1.75, unit * 1.25, unit * 1.02, 0, Math.PI, 0);
    context.fill();
    context.strokeStyle = '#ffffff2e';
    context.lineWidth = unit * 0.03;
    for (let ring = 0; ring < 3; ring++) {
      const grown = (now / 2400 + ring / 3) % 1;
      context.globalAlpha = 1 - grown;
      context.beginPath();
      context.arc(x, y, unit * (0.75 + grown * 1.1), 0, Math.PI * 2);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #drawHearts(context: CanvasRenderingContext2D, width: number, height: number, now: number): void {
    const ratio = width / Math.max(1, this.root.clientWidth);
    for (let index = this.#hearts.length - 1; index >= 0; index--) {
      const heart = this.#hearts[index] as Heart;
      const age = (now - heart.born) / LIFE_MS;
      if (age < 0) continue;
      if (age >= 1) {
        this.#hearts.splice(index, 1);
        continue;
      }
      const x = width * heart.x + Math.sin(heart.sway + age * 7) * 16 * ratio;
      const y = height * (0.86 - age * 0.6);
      drawHeart(context, x, y, heart.size * ratio, `hsl(${heart.hue} 90% 64% / ${1 - age * age})`);
    }
  }
}

function drawHeart(context: CanvasRenderingContext2D, x: number, y: number, size: number, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x, y + size * 0.4);
  context.bezierCurveTo(x - size, y - size * 0.3, x - size * 0.4, y - size * 0.9, x, y - size * 0.3);
  context.bezierCurveTo(x + size * 0.4, y - size * 0.9, x + size, y - size * 0.3, x, y + size * 0.4);
  context.fill();
}
