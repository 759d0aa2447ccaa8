/**
 * The widget's looks. The root has no `color-scheme`: a frame whose scheme
 * differs from that of the page around would lose its transparency.
 */
export const STYLES = String.raw`
html {
  --surface: #ffffff;
  --raised: #f5f6f8;
  --line: #e2e5ea;
  --text: #16191f;
  --soft: #5b6472;
  --accent: #3046d8;
  --on-accent: #ffffff;
  --good: #127a45;
  --bad: #b3261e;
  --tile-light: 91%;
  --tile-ink: 28%;
  --scheme: light;
}
html[data-theme='dark'] {
  --surface: #171a21;
  --raised: #21252f;
  --line: #313744;
  --text: #eef0f4;
  --soft: #a3acba;
  --accent: #98a7ff;
  --on-accent: #10142b;
  --good: #63d297;
  --bad: #ff9a91;
  --tile-light: 25%;
  --tile-ink: 86%;
  --scheme: dark;
}
@media (prefers-color-scheme: dark) {
  html[data-theme='system'] {
    --surface: #171a21;
    --raised: #21252f;
    --line: #313744;
    --text: #eef0f4;
    --soft: #a3acba;
    --accent: #98a7ff;
    --on-accent: #10142b;
    --good: #63d297;
    --bad: #ff9a91;
    --tile-light: 25%;
    --tile-ink: 86%;
    --scheme: dark;
  }
}

* { box-sizing: border-box; margin: 0; }
body {
  display: grid;
  place-items: center;
  min-height: 100vh;
  min-height: 100dvh;
  padding: 16px;
  background: rgb(12 15 22 / 55%);
  font: 15px/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif;
}
button, input { font: inherit; color: inherit; }
button { cursor: pointer; }
ul { list-style: none; padding: 0; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
h1:focus-visible { outline: none; }

.dialog {
  position: relative;
  display: flex;
  flex-direction: column;
  width: min(440px, 100%);
  height: min(660px, calc(100vh - 32px));
  height: min(660px, calc(100dvh - 32px));
  overflow: hidden;
  color: var(--text);
  color-scheme: var(--scheme);
  background: var(--surface);
  border: 1px solid var(--line);
  border-radius: 16px;
  box-shadow: 0 24px 64px rgb(0 0 0 / 35%);
}
.close {
  position: absolute;
  top: 14px;
  right: 14px;
  z-index: 1;
  width: 32px;
  height: 32px;
  padding: 0 0 3px;
  font-size: 22px;
  line-height: 1;
  color: var(--soft);
  background: none;
  border: 0;
  border-radius: 8px;
}
.close:hover { color: var(--text); background: var(--raised); }
.content { display: flex; flex: 1; flex-direction: column; min-height: 0; overflow-y: auto; }
footer {
  display: flex;
  align-items: center;
  justify-content: space-between;
  min-height: 40px;
  padding: 8px 20px;
  font-size: 12px;
  color: var(--soft);
  border-top: 1px solid var(--line);
}
.badge {
  padding: 1px 8px;
  font-weight: 600;
  letter-spacing: 0.02em;
  color: #6b4a00;
  background: #ffe7a8;
  border-radius: 99px;
}

header { padding: 24px 56px 14px 24px; }
header .tile { margin-bottom: 12px; }
h1 { font-size: 20px; line-height: 1.25; letter-spacing: -0.01em; overflow-wrap: anywhere; }
.lead { margin-top: 4px; color: var(--soft); overflow-wrap: anywhere; }
.note { font-size: 13px; color: var(--soft); overflow-wrap: anywhere; }

.search, .field input {
  padding: 9px 12px;
  color: var(--text);
  background: var(--raised);
  border: 1px solid var(--line);
  border-radius: 10px;
}
.search { margin: 0 24px; }
.search::placeholder { color: var(--soft); opacity: 1; }
.count { padding: 10px 24px 6px; font-size: 13px; color: var(--soft); }

.list { flex: 1; min-height: 120px; padding: 0 12px 12px; overflow-y: auto; }
.list li { content-visibility: auto; contain-intrinsic-size: auto 52px; }
.entry {
  display: flex;
  gap: 12px;
  align-items: center;
  width: 100%;
  padding: 8px 12px;
  text-align: left;
  background: none;
  border: 0;
  border-radius: 10px;
}
.entry:hover, .entry:focus-visible { background: var(--raised); }
.entry:focus-visible { outline-offset: -2px; }
.name { flex: 1; font-weight: 500; overflow-wrap: anywhere; }
.tag { font-size: 12.5px; color: var(--soft); text-align: right; }

.tile {
  display: grid;
  flex: none;
  place-items: center;
  width: 36px;
  height: 36px;
  font-size: 13px;
  font-weight: 650;
  color: hsl(var(--hue, 230) 60% var(--tile-ink));
  background: hsl(var(--hue, 230) 70% var(--tile-light));
  border-radius: 9px;
}
img.tile { padding: 4px; object-fit: contain; background: var(--raised); }
.tile.large { width: 52px; height: 52px; font-size: 18px; border-radius: 13px; }

.back {
  align-self: flex-start;
  margin: 16px 0 0 16px;
  padding: 5px 10px;
  font-size: 14px;
  color: var(--soft);
  background: none;
  border: 0;
  border-radius: 8px;
}
.back:hover { color: var(--text); background: var(--raised); }
.consent { display: flex; flex-direction: column; gap: 16px; padding: 32px 28px 24px; margin: auto 0; }
.consent h1 { text-align: center; }
.consent > .lead { margin: 0; }
.pair { display: flex; align-items: center; justify-content: center; }
.link { width: 44px; margin: 0 8px; border-top: 2px dashed var(--line); }
.scopes { display: grid; gap: 6px; padding: 12px 16px; background: var(--raised); border-radius: 10px; }
.scopes li { font: 13px/1.4 ui-monospace, 'Liberation Mono', monospace; overflow-wrap: anywhere; }
.scopes li::before { content: '✓'; margin-right: 10px; color: var(--good); }
.field { display: grid; gap: 6px; }
.field label { font-weight: 550; }
.consent > .note { text-align: center; }

.actions { display: flex; gap: 10px; }
.actions button { flex: 1; padding: 10px 16px; font-weight: 600; border: 1px solid transparent; border-radius: 10px; }
.primary { color: var(--on-accent); background: var(--accent); }
.primary:hover { filter: brightness(1.08); }
.primary:disabled { opacity: 0.6; }
.actions .secondary { background: none; border-color: var(--line); }
.secondary:hover { background: var(--raised); }

.message { display: grid; gap: 12px; justify-items: center; margin: auto; padding: 32px; text-align: center; }
.message .lead { margin: 0; }
.message .actions { flex-wrap: wrap; justify-content: center; margin-top: 8px; }
.message .actions:empty { display: none; }
.message .actions button { flex: none; min-width: 120px; }
.mark {
  display: grid;
  place-items: center;
  width: 52px;
  height: 52px;
  font-size: 24px;
  font-weight: 700;
  background: var(--raised);
  border-radius: 50%;
}
.success .mark { color: var(--good); }
.failure .mark { color: var(--bad); }
.wait h1 { font-size: 15px; font-weight: 500; color: var(--soft); }
.spinner {
  width: 32px;
  height: 32px;
  border: 3px solid var(--line);
  border-top-color: var(--accent);
  border-radius: 50%;
  animation: turn 0.8s linear infinite;
}
@keyframes turn { to { rotate: 1turn; } }
@media (prefers-reduced-motion: reduce) { .spinner { animation-duration: 4s; } }

@media (max-width: 520px) {
  body { padding: 0; }
  .dialog { width: 100%; height: 100vh; height: 100dvh; border: 0; border-radius: 0; }
}
`;
