import { API } from './api.js';
import { CONSENT_SCREEN } from './consent-screen.js';
import { ELEMENTS } from './elements.js';
import { FRAME } from './frame.js';
import { HOST } from './host.js';
import { LIST_SCREEN } from './list-screen.js';
import { MAIN } from './main.js';
import { MESSAGE_SCREEN } from './message-screen.js';
import { SETTINGS } from './settings.js';
import { TILE } from './tile.js';
import { TOKEN } from './token.js';

/**
 * The widget's modules by the name under which browsers load them. They are
 * text rather than files of their own, so that they are there wherever the
 * package is: in both builds, and in a bundle.
 */
export const SCRIPTS: Readonly<Record<string, string>> = {
  'api.js': API,
  'consent-screen.js': CONSENT_SCREEN,
  'elements.js': ELEMENTS,
  'frame.js': FRAME,
  'host.js': HOST,
  'list-screen.js': LIST_SCREEN,
  'main.js': MAIN,
  'message-screen.js': MESSAGE_SCREEN,
  'settings.js': SETTINGS,
  'tile.js': TILE,
  'token.js': TOKEN,
};
