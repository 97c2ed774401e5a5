// The viewer at /docs: Swagger UI over this server's own description.

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  // Otherwise it would send the description to validator.swagger.io.
  validatorUrl: null,
});
