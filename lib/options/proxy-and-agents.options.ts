// Until its users import it from its new place.
export { toProxyUrl, type AuthKitHttpOptions } from './http.options.js';
