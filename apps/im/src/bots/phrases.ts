/** What simulated viewers are called and say. */
import type { Random } from '@im/runtime';
import { pick } from './seeded-random.js';

const NAMES = [
  'Mia',
  '小雨',
  'Leo',
  '阿杰',
  'Nora',
  '糖糖',
  'Sam',
  '晚风',
  'Ivy',
  '大橘',
  'Max',
  '南瓜',
  'Zoe',
  '星河',
  'Ben',
  '可乐',
  'Ada',
  '小鹿',
  'Tom',
  '北极熊',
  'Eva',
  '清欢',
  'Kai',
  '豆豆',
  'Luna',
  '山海',
  'Finn',
  '柚子',
  'Ruby',
  '阿白',
  'Theo',
  '月半',
];

const ENGLISH = [
  'hello everyone',
  'hi from {place}',
  'this song!!',
  'so good tonight',
  'who else is here every day?',
  'love this {thing}',
  'first time here, what did I miss',
  'again again again',
  'the sound is great today',
  'can you say hi to {place}?',
  'haha {face}',
  'goosebumps',
  'best stream this week',
  'that {thing} though',
  'good evening from {place}',
  'encore!',
  'my cat is watching too {face}',
  'just got home, made it in time',
  'what is the name of this one?',
  'wow {face}',
];

const CHINESE = [
  '主播好',
  '来自{地}的问候',
  '这首歌绝了',
  '今天状态真好',
  '有没有一起追的',
  '这{物}爱了',
  '刚来，错过了什么',
  '再来一首',
  '音质好清晰',
  '可以给{地}打个招呼吗',
  '哈哈哈{颜}',
  '起鸡皮疙瘩了',
  '本周最佳',
  '晚上好',
  '返场返场',
  '刚下班赶上了',
  '求歌名',
  '太可爱了{颜}',
  '关注了关注了',
  '前排',
  '主播唱得真好听',
  '打卡第{数}天',
];

const GIFT_CHEERS = [
  'wow, {name}!',
  'thank you {name} {face}',
  '{name} 大气！',
  '谢谢{name}的礼物',
  'that was huge',
  '哇哦{颜}',
];

const FILLERS: Readonly<Record<string, readonly string[]>> = {
  place: ['Lisbon', 'Oslo', 'Jakarta', 'Toronto', 'Berlin', 'Osaka'],
  thing: ['song', 'set', 'dress', 'background', 'dance'],
  face: ['😂', '🔥', '😍', '👏', '🙌'],
  地: ['成都', '广州', '哈尔滨', '厦门', '台北'],
  物: ['歌', '舞', '裙子', '背景'],
  颜: ['😂', '🔥', '😍', '👏', '❤️'],
};

/** Distinct for each index; with a mark that people who sign in by name rarely type. */
export function botName(index: number): string {
  return `${NAMES[index % NAMES.length]}.${index + 1}`;
}

export function chatLine(random: Random): string {
  return fill(pick(random() < 0.5 ? ENGLISH : CHINESE, random), random);
}

export function giftCheer(name: string, random: Random): string {
  return fill(pick(GIFT_CHEERS, random).replace('{name}', name), random);
}

function fill(template: string, random: Random): string {
  return template.replace(/\{(\p{L}+)\}/gu, (_, what: string) =>
    what === '数' ? String(1 + Math.floor(random() * 365)) : pick(FILLERS[what] ?? [''], random),
  );
}
