import {
  Controller,
  Header,
  HttpCode,
  HttpStatus,
  Inject,
  Post,
  UseGuards,
} from '@nestjs/common';
import { AuthKitTokenService, type AuthKitToken } from 'nestjs-pica-authkit';
import { CurrentUser } from '../auth/current-user.decorator.js';
import { SessionGuard } from '../auth/session.guard.js';
import type { SignedInUser } from '../auth/users.js';

/**
 * A route in the app's own controller, for tokens that `POST /authkit-token`
 * does not create. It requires the session, so the app's pages can call it and
 * the widget cannot.
 */
@Controller('integrations')
@UseGuards(SessionGuard)
export class IntegrationsController {
  constructor(
    @Inject(AuthKitTokenService) private readonly tokens: AuthKitTokenService,
  ) {}

  /** Creates a token for the user's team. The team owns the connections that are made with it. */
  @Post('team-token')
  @HttpCode(HttpStatus.OK)
  @Header('Cache-Control', 'no-store')
  teamToken(@CurrentUser() user: SignedInUser): Promise<AuthKitToken> {
    return this.tokens.create({ identity: user.teamId, identityType: 'team' });
  }
}
