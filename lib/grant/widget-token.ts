/** What the widget packages take as `token`: `useAuthKit({ token, … })`. */
export interface AuthKitWidgetToken {
  /** Address of the token endpoint. */
  url: string;
  /** The headers that the widget sends there: the grant. */
  headers: { Authorization: string };
  /** When the grant expires, in ISO 8601: `2026-11-24T10:05:00.000Z`. */
  expiresAt: string;
}
