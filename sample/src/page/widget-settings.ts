import type { AuthKitModuleOptions } from 'nestjs-pica-authkit';

/** What the page has to know of the widget. */
export interface WidgetSettings {
  /** The vendor's package for browsers. */
  package: string;
  /** Where the widget is loaded from; not set, the package knows it. */
  widgetUrl?: string;
  /** The only site that the page may put into a frame. */
  widgetOrigin: string;
}

const WIDGETS = {
  pica: { package: '@picahq/authkit', origin: 'https://authkit.picaos.com' },
  one: { package: '@withone/auth', origin: 'https://auth.withone.ai' },
};

export function widgetSettings({
  vendor = 'pica',
}: AuthKitModuleOptions): WidgetSettings {
  const widget = WIDGETS[vendor];
  const widgetUrl = process.env.WIDGET_URL || undefined;
  return {
    package: widget.package,
    widgetUrl,
    widgetOrigin: widgetUrl ? new URL(widgetUrl).origin : widget.origin,
  };
}
