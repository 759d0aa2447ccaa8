import type { IncomingHttpHeaders } from 'node:http';
import {
  Inject,
  Injectable,
  type CookieSerializeOptions,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { JwtService } from '@nestjs/jwt';
import type { SignedInUser } from './users.js';

/** Specific to the sample: all ports of a host share their cookies, and another app may use `session`. */
const COOKIE = 'sample_session';

const ATTRIBUTES: CookieSerializeOptions = {
  // Scripts on the page cannot read the cookie.
  httpOnly: true,
  // Browsers do not send the cookie with requests from other sites, except when the user follows a link.
  sameSite: 'lax',
  // In an app that is served over HTTPS, add `secure: true`.
};

/** The claims of the JWT in the cookie. `sub` is the user's id. */
interface SessionClaims {
  sub: string;
  name: string;
  teamId: string;
  companyId: string;
}

/**
 * Stores the session as a signed JWT in a cookie, so the sample needs no
 * session store. An app that must be able to revoke sessions needs one.
 */
@Injectable()
export class SessionService {
  constructor(
    @Inject(JwtService) private readonly jwt: JwtService,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Sets the session cookie. The HTTP adapter works on Express and Fastify. */
  async start(user: SignedInUser, response: unknown): Promise<void> {
    const { id: sub, ...others } = user;
    const claims: SessionClaims = { sub, ...others };
    const jwt = await this.jwt.signAsync(claims);
    const { httpAdapter } = this.adapterHost;
    httpAdapter.setCookie(response, COOKIE, jwt, ATTRIBUTES);
  }

  /** Clears the session cookie. */
  end(response: unknown): void {
    this.adapterHost.httpAdapter.clearCookie(response, COOKIE, ATTRIBUTES);
  }

  /** Returns the signed-in user, or `undefined` if the session is missing, invalid or expired. */
  async getUser(request: {
    headers: IncomingHttpHeaders;
  }): Promise<SignedInUser | undefined> {
    const jwt = readCookie(request.headers.cookie);
    if (!jwt) return undefined;
    try {
      const claims = await this.jwt.verifyAsync<SessionClaims>(jwt);
      const { sub: id, name, teamId, companyId } = claims;
      return { id, name, teamId, companyId };
    } catch {
      return undefined;
    }
  }
}

/** Reads the session from a header such as `a=1; sample_session=…; b=2`. A JWT needs no decoding. */
function readCookie(header = ''): string | undefined {
  return header
    .split('; ')
    .find((pair) => pair.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1);
}
