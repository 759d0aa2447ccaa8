// The token route without this module: around the official package, and by hand.
import {
  BadGatewayException,
  Controller,
  HttpCode,
  Module,
  Post,
  Req,
} from '@nestjs/common';
import { AuthKitToken } from '@picahq/authkit-token';

/** The route as the vendor's docs show it, in Nest. */
export function officialRoute({ upstream, secretKey }) {
  return createApp((identity) => {
    const authKitToken = new AuthKitToken(secretKey, { baseUrl: upstream });
    return authKitToken.create({ identity, identityType: 'user' });
  });
}

/** The route as people write it with `fetch`: flags and page 1, then the other pages, of 100 rows as the official package fetches them. */
export function fetchRoute({ upstream, secretKey }) {
  const call = async (path, identity) => {
    const response = await fetch(upstream + path, {
      method: identity ? 'POST' : 'GET',
      headers: {
        'X-Pica-Secret': secretKey,
        'Content-Type': 'application/json',
      },
      body: identity && JSON.stringify({ identity, identityType: 'user' }),
    });
    if (!response.ok) throw new BadGatewayException();
    return response.json();
  };
  return createApp(async (identity) => {
    const page = (number) =>
      call(`/v1/authkit?limit=100&page=${number}`, identity);
    const [flags, first] = await Promise.all([
      call('/v1/users/flags'),
      page(1),
    ]);
    const others = await Promise.all(
      Array.from({ length: Math.max(0, first.pages - 1) }, (_, index) =>
        page(index + 2),
      ),
    );
    const pages = [first, ...others];
    return {
      rows: pages.flatMap(({ rows }) => rows),
      page: 1,
      pages: 1,
      total: first.total,
      requestId: pages.at(-1).requestId,
      isWhiteLabel: flags.authkitWhitelist ?? false,
    };
  });
}

/** @param createToken returns the token of an identity, or a promise of it */
function createApp(createToken) {
  class TokenController {
    token(request) {
      return createToken(signedIn(request).id);
    }
  }
  const { prototype } = TokenController;
  const method = Object.getOwnPropertyDescriptor(prototype, 'token');
  Post()(prototype, 'token', method);
  HttpCode(200)(prototype, 'token', method);
  Req()(prototype, 'token', 0);
  Controller('authkit-token')(TokenController);
  class App {}
  Module({ controllers: [TokenController] })(App);
  return App;
}

/** The user of a request, as an app's login finds it. */
export function signedIn(request) {
  return { id: request.headers.authorization?.slice('Bearer '.length) };
}
