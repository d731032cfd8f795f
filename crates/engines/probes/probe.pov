// The scene by whose pixels and time nodes know each other's POV-Ray.
#version 3.7;
global_settings { assumed_gamma 1.0 max_trace_level 12 }
camera { location <0, 2.2, -6> look_at <0, 1, 0> }
light_source { <4, 6, -4> rgb 1.2 area_light <1, 0, 0>, <0, 0, 1>, 5, 5 }
plane { y, 0 pigment { granite scale 0.7 } finish { reflection 0.1 } }
sphere { <-1.1, 1, 0>, 1 pigment { rgbf <0.95, 0.98, 1, 0.95> } finish { specular 0.6 reflection { 0.05, 0.9 fresnel } conserve_energy } interior { ior 1.5 } }
torus { 0.8, 0.3 rotate <70, 20, 0> translate <1.3, 1, 0.2> pigment { rgb <0.9, 0.6, 0.3> } finish { metallic specular 0.8 reflection 0.4 } }
sky_sphere { pigment { gradient y color_map { [0 rgb <0.6, 0.7, 0.9>] [1 rgb <0.2, 0.3, 0.6>] } } }
