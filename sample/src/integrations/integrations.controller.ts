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
 * A route of the app's own, for what `POST /authkit-token` does not do. It asks
 * for the session, so the app's own pages can call it, and the widget cannot.
 */
@Controller('integrations')
@UseGuards(SessionGuard)
export class IntegrationsController {
  constructor(
    @Inject(AuthKitTokenService) private readonly tokens: AuthKitTokenService,
  ) {}

  /** What is connected with this token belongs to the user's whole team. */
  @Post('team-token')
  @HttpCode(HttpStatus.OK)
  @Header('Cache-Control', 'no-store')
  teamToken(@CurrentUser() user: SignedInUser): Promise<AuthKitToken> {
    return this.tokens.create({ identity: user.teamId, identityType: 'team' });
  }
}
