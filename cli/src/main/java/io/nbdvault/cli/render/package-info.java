/**
 * What a person or a program sees of a command: tables, the progress line, JSON. Nothing here
 * decides anything; the formats for programs are described in {@code docs/JSON.md}.
 */
@NullMarked
package io.nbdvault.cli.render;

import org.jspecify.annotations.NullMarked;
