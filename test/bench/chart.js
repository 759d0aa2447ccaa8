const BARS = [
  ['theirs', 'official package', '#9aa4b2'],
  ['first', 'this module, first token', '#7aa2f7'],
  ['later', 'this module, later tokens', '#1f6feb'],
];
const WIDTH = 720;
const LEFT = 150;
const BAR = 18;

/** Bars of the latency at 50 ms per upstream call, as an SVG that reads on light and dark pages. */
export function chart(groups) {
  const longest = Math.max(
    ...groups.flatMap(({ theirs, first }) => [theirs, first]),
  );
  const scale = (WIDTH - LEFT - 80) / longest;
  const parts = [];
  let y = 44;
  for (const group of groups) {
    parts.push(
      text(
        LEFT - 12,
        y + BAR * 1.5 + 5,
        `${group.integrations} integrations`,
        'end',
      ),
    );
    for (const [key, , colour] of BARS) {
      const width = group[key] * scale;
      parts.push(
        `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 3}" rx="2" fill="${colour}"/>`,
        text(LEFT + width + 6, y + BAR - 6, `${Math.round(group[key])} ms`),
      );
      y += BAR;
    }
    y += 16;
  }
  let x = LEFT;
  for (const [, label, colour] of BARS) {
    parts.push(
      `<rect x="${x}" y="14" width="12" height="12" rx="2" fill="${colour}"/>`,
      text(x + 18, 24, label),
    );
    x += 40 + label.length * 6.6;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="Time for one token at 50 ms per upstream call" font-family="system-ui, sans-serif" font-size="12" fill="#7d8590">
${parts.join('\n')}
</svg>
`;
}

function text(x, y, content, anchor = 'start') {
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}
