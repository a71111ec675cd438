"""A Sphinx extension: no button leads to the public address of the book while that is a placeholder."""

import address

_BUTTONS = ("use_repository_button", "use_edit_page_button", "use_issues_button")


def hide_buttons(app, config):
    """Take the buttons for Binder, Colab and the repository out of the theme's options; the one for downloads stays."""
    options = config.html_theme_options
    if address.is_placeholder(options.get("repository_url", "")):
        config.html_theme_options = (
            options | {"launch_buttons": {}, "repository_url": ""} | dict.fromkeys(_BUTTONS, False)
        )


def setup(app):
    """Register the extension with Sphinx."""
    app.connect("config-inited", hide_buttons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
