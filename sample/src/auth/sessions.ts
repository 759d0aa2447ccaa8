import type { IncomingHttpHeaders } from 'node:http';
import {
  Inject,
  Injectable,
  type CookieSerializeOptions,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import type { SignedInUser } from './users.js';

/** Cookies are shared by all ports of a host: a plain `session` may be another app's. */
const COOKIE = 'sample_session';

const ATTRIBUTES: CookieSerializeOptions = {
  // No script can read it, not even one that should not be on the page.
  httpOnly: true,
  // Other sites' requests come without it, but for links that lead here.
  sameSite: 'lax',
  // Your app, on https, adds `secure: true`.
};

/** What the JWT in the cookie says; `sub` is the user's id. */
interface SessionClaims {
  sub: string;
  name: string;
  teamId: string;
}

/**
 * Who is signed in: a signed JWT in a cookie, so that the demo needs no store.
 * An app that wants to end sessions at once keeps them in one.
 */
@Injectable()
export class Sessions {
  constructor(
    @Inject(JwtService) private readonly jwt: JwtService,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Sets the cookie. The adapter does it for Express and Fastify alike. */
  async start(user: SignedInUser, response: unknown): Promise<void> {
    const { id: sub, name, teamId } = user;
    const claims: SessionClaims = { sub, name, teamId };
    const jwt = await this.jwt.signAsync(claims);
    const { httpAdapter } = this.adapterHost;
    httpAdapter.setCookie(response, COOKIE, jwt, ATTRIBUTES);
  }

  /** Removes the cookie. */
  end(response: unknown): void {
    this.adapterHost.httpAdapter.clearCookie(response, COOKIE, ATTRIBUTES);
  }

  /** The user of a request, where its cookie holds a session that has not ended. */
  async userOf(request: {
    headers: IncomingHttpHeaders;
  }): Promise<SignedInUser | undefined> {
    const jwt = cookieOf(request.headers.cookie);
    if (!jwt) return undefined;
    try {
      const claims = await this.jwt.verifyAsync<SessionClaims>(jwt);
      const { sub: id, name, teamId } = claims;
      return { id, name, teamId };
    } catch {
      return undefined;
    }
  }
}

/** `a=1; sample_session=…; b=2`; a JWT has no characters that would be encoded. */
function cookieOf(header = ''): string | undefined {
  return header
    .split('; ')
    .find((pair) => pair.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1);
}
