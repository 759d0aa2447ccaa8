import { FETCH, MODULE, OFFICIAL } from './endpoints.js';
import { LATENCY } from './measures.js';
import { median } from './statistics.js';

const BARS = [
  [({ later }) => later[OFFICIAL], 'official package', '#9aa4b2'],
  [({ later }) => later[FETCH], 'fetch route', '#c9ced6'],
  [({ first }) => first[MODULE], 'this module, first token', '#7aa2f7'],
  [({ later }) => later[MODULE], 'this module, later tokens', '#1f6feb'],
];
const WIDTH = 720;
const LEFT = 150;
const BAR = 18;

/** Bars of the time for one token, as an SVG that reads on light and dark pages. */
export function chart(latency) {
  const groups = Object.entries(latency).map(([integrations, series]) => ({
    integrations,
    bars: BARS.map(([pick, , colour]) => [median(pick(series)), colour]),
  }));
  const longest = Math.max(
    ...groups.flatMap(({ bars }) => bars.map(([time]) => time)),
  );
  const scale = (WIDTH - LEFT - 80) / longest;
  const parts = [];
  let y = 44;
  for (const { integrations, bars } of groups) {
    const middle = y + (BAR * bars.length) / 2 + 3;
    parts.push(text(LEFT - 12, middle, `${integrations} integrations`, 'end'));
    for (const [time, colour] of bars) {
      const width = time * scale;
      parts.push(
        `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 3}" rx="2" fill="${colour}"/>`,
        text(LEFT + width + 6, y + BAR - 6, `${Math.round(time)} ms`),
      );
      y += BAR;
    }
    y += 16;
  }
  let x = 12;
  for (const [, label, colour] of BARS) {
    parts.push(
      `<rect x="${x}" y="14" width="12" height="12" rx="2" fill="${colour}"/>`,
      text(x + 18, 24, label),
    );
    x += 40 + label.length * 6.6;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="Time for one token at ${LATENCY} ms per call to Pica" font-family="system-ui, sans-serif" font-size="12" fill="#7d8590">
${parts.join('\n')}
</svg>
`;
}

function text(x, y, content, anchor = 'start') {
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}
