import type { IncomingHttpHeaders } from 'node:http';
import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  HttpStatus,
  Inject,
  Post,
  Req,
  Res,
  UnauthorizedException,
} from '@nestjs/common';
import { Sessions } from './sessions.js';
import { SignInDto } from './sign-in.dto.js';
import { DEMO_USERS, type SignedInUser } from './users.js';

/** Who is signed in now, for the page: it cannot read the cookie. */
interface SessionAnswer {
  user: SignedInUser | null;
}

@Controller('auth')
export class AuthController {
  constructor(@Inject(Sessions) private readonly sessions: Sessions) {}

  /** Whoever knows a name is let in: a demo. Your app asks for more. */
  @Post('sign-in')
  @HttpCode(HttpStatus.OK)
  async signIn(
    @Body() { name }: SignInDto,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<SessionAnswer> {
    const user = DEMO_USERS.find((known) => known.name === name);
    if (!user) {
      const names = DEMO_USERS.map((known) => known.name).join(' or ');
      throw new UnauthorizedException(`Nobody has that name: try ${names}.`);
    }
    await this.sessions.start(user, response);
    return { user };
  }

  @Post('sign-out')
  @HttpCode(HttpStatus.OK)
  signOut(@Res({ passthrough: true }) response: unknown): SessionAnswer {
    this.sessions.end(response);
    return { user: null };
  }

  @Get('session')
  @Header('Cache-Control', 'no-store')
  async session(
    @Req() request: { headers: IncomingHttpHeaders },
  ): Promise<SessionAnswer> {
    return { user: (await this.sessions.userOf(request)) ?? null };
  }
}
