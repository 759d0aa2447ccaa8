/** How grants are signed, and what they are good for. */
export interface AuthKitGrantOptions {
  /**
   * Signs the grants (HS256): at least 32 bytes, from a generator
   * (`openssl rand -base64 48`), and the same in all instances of the app.
   * Several secrets serve rotation: the first signs, all verify. Deploy
   * `[current, next]`, then `[next, current]`, then `[next]`.
   */
  secret: string | string[];

  /**
   * Seconds for which a grant is good. 1 to 86,400.
   * @default 300
   */
  ttl?: number;

  /**
   * Address of the token endpoint as the widget reaches it, where the app
   * cannot tell from the request: behind a proxy that rewrites paths, or where
   * the token route has another prefix than the grant route.
   * @default the address of the request for the grant, without its `/grant`
   */
  url?: string;

  /**
   * Whether a grant is good for one token only. The widget asks for another
   * token when its session expires: with `true` the user then opens the dialog
   * again. Used grants are remembered in the memory of one instance; with a
   * `cache.store` in that too: for certain across instances where it has an
   * atomic `add`, else unless two replays come at the same moment. Not with
   * `paging: 'forward'`, the default for One: its widget asks for every page
   * with the same grant.
   * @default false
   */
  singleUse?: boolean;

  /**
   * The `iss` claim.
   * @default 'nestjs-pica-authkit'
   */
  issuer?: string;

  /**
   * The `aud` claim. Registrations with the same secret refuse each other's
   * grants as long as it differs: name it where two have no controller, or have
   * the same path and are told apart by a `RouterModule`.
   * @default the path and version of the controller, e.g. `/authkit-token`; `authkit-grant-service` without one
   */
  audience?: string;
}

/** The same, validated and complete. @internal */
export interface GrantOptions {
  /** A function, so that no inspected object shows them. */
  readonly secrets: () => readonly string[];
  /** Seconds. */
  readonly ttl: number;
  readonly url?: string;
  readonly singleUse: boolean;
  readonly issuer: string;
  readonly audience?: string;
}
