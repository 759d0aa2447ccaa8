import {
  Controller,
  Get,
  Header,
  HttpCode,
  HttpStatus,
  Inject,
  Post,
  UseGuards,
} from '@nestjs/common';
import {
  AuthKitIdentityGuard,
  AuthKitTokenService,
  CurrentIdentity,
  needsReconnect,
  type AuthKitIdentity,
  type AuthKitIntegrationListing,
  type AuthKitToken,
} from 'nestjs-pica-authkit';
import { findCompany, type Company } from '../auth/companies.js';
import { CurrentUser } from '../auth/current-user.decorator.js';
import { SessionGuard } from '../auth/session.guard.js';
import type { SignedInUser } from '../auth/users.js';

/** What the integrations page shows. */
interface IntegrationsResponse {
  company: Company | undefined;
  integrations: Integration[];
}

/** One tile of the page. */
interface Integration {
  title: string;
  category?: string;
  connections: {
    id: string;
    platform: string;
    name?: string | null;
    isBroken: boolean;
  }[];
}

/**
 * Routes in the app's own controller. They require the session, so the app's
 * pages can call them and the widget cannot.
 */
@Controller('integrations')
@UseGuards(SessionGuard)
export class IntegrationsController {
  constructor(
    @Inject(AuthKitTokenService) private readonly tokens: AuthKitTokenService,
  ) {}

  /** Lists the integrations that the user's company is offered, with what the user has connected. */
  @Get()
  @UseGuards(AuthKitIdentityGuard)
  @Header('Cache-Control', 'no-store')
  async list(
    @CurrentIdentity() identity: AuthKitIdentity,
  ): Promise<IntegrationsResponse> {
    const listings = await this.tokens.integrations(identity, {
      connections: true,
    });
    return {
      company: findCompany(identity.tenant),
      integrations: listings.map(toIntegration),
    };
  }

  /** Creates a token for the user's team. The team owns the connections that are made with it. */
  @Post('team-token')
  @HttpCode(HttpStatus.OK)
  @Header('Cache-Control', 'no-store')
  teamToken(@CurrentUser() user: SignedInUser): Promise<AuthKitToken> {
    return this.tokens.create({
      identity: user.teamId,
      identityType: 'team',
      tenant: user.companyId,
    });
  }
}

/** Selects what the page needs: an integration has fields that are not for browsers. */
function toIntegration({
  title,
  name,
  category,
  connections = [],
}: AuthKitIntegrationListing): Integration {
  return {
    title: title ?? name ?? 'Unnamed',
    category,
    connections: connections.map((connection) => ({
      id: connection.id,
      platform: connection.platform,
      name: connection.name,
      isBroken: needsReconnect(connection),
    })),
  };
}
