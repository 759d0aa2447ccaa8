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
import { SessionService } from './session.service.js';
import { SignInDto } from './sign-in.dto.js';
import { DEMO_USERS, type SignedInUser } from './users.js';

/** The signed-in user, or `null`. The page cannot read the cookie itself. */
interface SessionResponse {
  user: SignedInUser | null;
}

@Controller('auth')
export class AuthController {
  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
  ) {}

  /** Signs in by name, without a password, for demonstration only. */
  @Post('sign-in')
  @HttpCode(HttpStatus.OK)
  async signIn(
    @Body() { name }: SignInDto,
    @Res({ passthrough: true }) response: unknown,
  ): Promise<SessionResponse> {
    const user = DEMO_USERS.find((candidate) => candidate.name === name);
    if (!user) {
      const names = DEMO_USERS.map((user) => user.name).join(' or ');
      throw new UnauthorizedException(`Unknown name: try ${names}.`);
    }
    await this.sessions.start(user, response);
    return { user };
  }

  @Post('sign-out')
  @HttpCode(HttpStatus.OK)
  signOut(@Res({ passthrough: true }) response: unknown): SessionResponse {
    this.sessions.end(response);
    return { user: null };
  }

  @Get('session')
  @Header('Cache-Control', 'no-store')
  async session(
    @Req() request: { headers: IncomingHttpHeaders },
  ): Promise<SessionResponse> {
    return { user: (await this.sessions.getUser(request)) ?? null };
  }
}
