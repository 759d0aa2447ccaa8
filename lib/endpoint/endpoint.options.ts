import type { CanActivate, Type } from '@nestjs/common';

/** How the controller is mounted. Static: Nest has to know it before anything is injected. */
export interface AuthKitControllerOptions {
  /**
   * The route, below the app's global prefix.
   * @default 'authkit-token'
   */
  path?: string;
  /** The version(s) of the route, where the app uses versioning. */
  version?: string | string[] | typeof import('@nestjs/common').VERSION_NEUTRAL;
  /**
   * The guards that authenticate the user, in order: they run before the
   * identity is read. What they inject has to come from the `imports` of this registration.
   * @default []
   */
  guards?: (Type<CanActivate> | CanActivate)[];
  /**
   * Further class decorators for the controller (with `grants`, for both routes), e.g. `SkipThrottle()` or `ApiExcludeController()`.
   * @default []
   */
  decorators?: ClassDecorator[];
  /**
   * Whether the route answers the browser's CORS questions: for the vendor's
   * widget and the `allowedOrigins`, whatever the app's own CORS settings are.
   * `false` leaves it to the app.
   * @default true
   */
  cors?: boolean;
  /**
   * Whether the page fetches a grant first: `true` adds `POST <path>/grant`,
   * behind the `guards`, for pages of the same origin, and `POST <path>` then
   * takes grants alone; the `guards` no longer stand before it. `'optional'`
   * keeps them there as a second way. It needs the `grant.secret` option.
   * @default false
   */
  grants?: boolean | 'optional';
  /**
   * Method decorators for the token route alone, e.g. the app's own `Public()`,
   * which opens it where an `APP_GUARD` knows nothing of grants.
   * @default []
   */
  tokenRouteDecorators?: MethodDecorator[];
}

/** The options that the route needs, validated and complete. @internal */
export interface EndpointOptions {
  /** What the widget's `page` and `limit` are good for. */
  readonly paging: 'all' | 'forward';
  /** The origins that may call the endpoint from a browser, the widget's among them. */
  readonly origins: readonly string[];
  /** Where the widget finds the token endpoint, if the request for a grant does not tell. */
  readonly grant?: { readonly url?: string };
}
